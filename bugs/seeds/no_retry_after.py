"""Errors say what is wrong, but not when to come again: no answer carries Retry-After.

Imagined. Must be noticed at every 429, 502 and 503.
"""

from __future__ import annotations

from daemons.common.errors import ApiError

ROLE = "queen"
PATCHES = "daemons.common.errors:ApiError.headers"
CAUGHT_BY = [
    "features/integration/recovery.feature::The answer that a crash costs says when to come again",
    "features/integration/concurrency.feature::Beyond the queue's bound the answer says when to come again",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """No header of its own."""

    def headers(self: ApiError) -> dict[str, str]:  # noqa: ARG001
        return {}

    return headers
