"""A worker that its device refuses ends with the status of an internal error, not with 7.

Found by reading our own code: the hive goes by the worker's log line and says the right thing; only an operator, or a
service manager, is misled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.exits import ExitStatus, FatalError

ROLE = "worker"
PATCHES = "daemons.common.daemon:Daemon.fail"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::A model that needs more of the device than it declares, while it loads"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """One status for every failure."""

    def fail(self: Any, error: FatalError) -> None:
        original(self, FatalError(ExitStatus.INTERNAL, error.message))

    return fail
