"""A worker that is asked to end cuts what it serves, with an error chunk, in place of finishing it.

Real: TRAPS (uvicorn 0.43 and 0.44 cut streams at SIGTERM).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.daemon import Daemon

ROLE = "worker"
PATCHES = "daemons.common.serve:_drain"
WORKER_RESTART_DURING_INFERENCE = "features/integration/worker_restart_during_inference.feature"
CAUGHT_BY = [
    f"{WORKER_RESTART_DURING_INFERENCE}::The worker is sent SIGTERM in the middle of a stream",
    f"{WORKER_RESTART_DURING_INFERENCE}::The worker is restarted through the API in the middle of a stream",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The drain is over before it begins."""

    async def _drain(daemon: Daemon, until: float, farewell_s: float) -> None:
        await original(daemon, until - 3600, farewell_s)

    return _drain
