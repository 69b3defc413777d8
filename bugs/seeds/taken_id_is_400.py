"""A spawn under a taken id is answered as a mistake in the request, 400, and not as a conflict.

Imagined. Nothing is overwritten; only the code is wrong, and a client that repeats a spawn cannot tell.
"""

from __future__ import annotations

from daemons.common.errors import ErrorCode

ROLE = "queen"
PATCHES = "daemons.queen.spawning:ErrorCode"
CAUGHT_BY = [
    "features/integration/worker_churn.feature::The id of a living worker cannot be taken",
    "features/integration/concurrency.feature::Three want one id, and one gets it",
]


class _WrongCode:
    """The codes, one of them exchanged."""

    WORKER_EXISTS = ErrorCode.VALIDATION_FAILED

    def __getattr__(self, name: str) -> ErrorCode:
        return ErrorCode[name]


def seeded(original: type[ErrorCode]) -> _WrongCode:  # noqa: ARG001
    """The exchanged codes."""
    return _WrongCode()
