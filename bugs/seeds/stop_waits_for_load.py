"""A stop that comes while a worker loads is carried out only when it has loaded, minutes later for a large model.

Imagined. The worker is stopped in the end; that it was ready before shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daemons.common.wire import WorkerState
from daemons.hive.workers.frontdesk import FrontDesk
from daemons.hive.workers.states import Reason

ROLE = "hive"
PATCHES = "daemons.hive.workers.frontdesk:FrontDesk.ask_stop"
CAUGHT_BY = ["features/integration/worker_churn.feature::A worker can be stopped while it loads"]
_WAITING: set[asyncio.Task[None]] = set()


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wait for the load first."""

    def ask_stop(self: FrontDesk, reason: Reason, *, force: bool) -> None:
        async def when_loaded() -> None:
            await self.board.until(lambda: self.facts.state is not WorkerState.LOADING)
            original(self, reason, force=force)

        if self.facts.state is WorkerState.LOADING:
            task = asyncio.create_task(when_loaded())
            _WAITING.add(task)
        else:
            original(self, reason, force=force)

    return ask_stop
