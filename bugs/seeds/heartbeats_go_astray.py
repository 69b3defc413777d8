"""Once it has called ready, a worker's heartbeats go to a path that nobody serves, and it minds no answer.

Real: REAL_BUGS 1 (the predecessor: heartbeats to a wrong path). It is registered and serves, until its first lease
has run out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from daemons.common.client import PeerError
from daemons.common.wire import WorkerState
from daemons.worker.lease import LeaseKeeper

ROLE = "worker"
PATCHES = "daemons.worker.lease:LeaseKeeper.push"
CAUGHT_BY = ["features/integration/recovery.feature::A busy worker is never taken for a hung one"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The ready call is right; what follows is not."""
    ready: set[str] = set()

    async def push(self: LeaseKeeper) -> None:
        picture = self._picture()
        if picture.instance not in ready:
            await original(self)
            if picture.state is WorkerState.READY:
                ready.add(picture.instance)
            return
        try:
            await self._peers.call("PUT", f"{self._url}/heartbeat", json_body=picture.model_dump(mode="json"))
        except PeerError as error:
            self._failed(str(error))
        else:
            self.clock.renewed(time.monotonic())

    return push
