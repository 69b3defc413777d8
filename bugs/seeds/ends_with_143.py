"""A worker that was asked to end drains, and then leaves with 143, as if it had been killed.

Real: TRAPS (uvicorn ends a graceful SIGTERM with -15/143). Nothing else is different.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.daemon import Daemon

ROLE = "worker"
PATCHES = "daemons.common.serve:run"
CAUGHT_BY = [
    "features/integration/worker_churn.feature::Stopped workers leave nothing behind",
    "features/integration/worker_churn.feature::A worker can be stopped while it loads",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Run, and leave with 128 + SIGTERM."""

    def run(daemon: Daemon) -> Any:
        original(daemon)
        return 143

    return run
