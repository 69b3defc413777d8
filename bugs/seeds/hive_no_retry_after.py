"""A hive's errors do not say when to come again, and the queen passes them on as they are.

Imagined. Must be noticed where a worker dies before the first byte.
"""

from __future__ import annotations

from daemons.common.errors import ApiError

ROLE = "hive"
PATCHES = "daemons.common.errors:ApiError.headers"
WORKER_RESTART_DURING_INFERENCE = "features/integration/worker_restart_during_inference.feature"
CAUGHT_BY = [
    f"{WORKER_RESTART_DURING_INFERENCE}::The worker is killed before the first token of a streaming request",
    f"{WORKER_RESTART_DURING_INFERENCE}::The worker is killed before the first token of a non-streaming request",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """No header of its own."""

    def headers(self: ApiError) -> dict[str, str]:  # noqa: ARG001
        return {}

    return headers
