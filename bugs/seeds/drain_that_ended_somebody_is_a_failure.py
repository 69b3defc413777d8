"""A worker whose drain had to end a request exits with status 1: not all was served, so it was no clean stop.

Imagined, next to REAL_BUGS 40. A hive that restarts on failure would start it again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.daemon import Daemon
from daemons.common.exits import ExitStatus, FatalError
from daemons.common.inflight import EndReason

ROLE = "worker"
PATCHES = "daemons.common.serve:_drain"
CAUGHT_BY = ["features/processes/running.feature::A drain ends in time, whatever still runs"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Remember whether anybody was ended, and fail at the very end."""

    async def _drain(daemon: Daemon, until: float, farewell_s: float) -> None:
        running = list(daemon.inflight._running.values())
        await original(daemon, until, farewell_s)
        if any(each.reason is EndReason.DRAINING for each in running):
            stop = daemon.on_stop

            async def on_stop() -> None:
                await stop()
                raise FatalError(ExitStatus.INTERNAL, "a request was ended by the drain")

            daemon.on_stop = on_stop  # type: ignore[method-assign]

    return _drain
