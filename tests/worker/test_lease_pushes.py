"""When the lease is pushed, seen from a client that only counts."""

from __future__ import annotations

import asyncio

import pytest

from daemons.common.client import Answer, PeerError, PeerFault
from daemons.common.durations import Durations
from daemons.common.wire import WorkerLease, WorkerState
from daemons.worker.lease import LeaseEnd, LeaseKeeper

pytestmark = pytest.mark.anyio
SLOW = Durations(heartbeat_ms=60_000, lease_ms=180_000, orphan_grace_ms=180_000)


class CountingPeers:
    """Answers every push as it is told, and can hold one back."""

    def __init__(self) -> None:
        self.pushed: list[str] = []
        self.status = 200
        self.let_through = asyncio.Event()
        self.let_through.set()
        self.arrived = asyncio.Semaphore(0)

    async def call(
        self, _method: str, _url: str, *, json_body: dict[str, object], timeout_ms: int, connect_ms: int
    ) -> Answer:
        assert 0 < connect_ms <= timeout_ms
        self.pushed.append(str(json_body["state"]))
        self.arrived.release()
        await self.let_through.wait()
        if self.status == 0:
            raise PeerError(PeerFault.REFUSED, "no")
        return Answer(self.status, b"{}")


class Kept:
    """A lease keeper whose state a test turns."""

    def __init__(self) -> None:
        self.state = WorkerState.LOADING
        self.peers = CountingPeers()
        self.ends: list[LeaseEnd] = []
        self.keeper = LeaseKeeper(self.peers, "http://x", SLOW, self.picture, self.ends.append)

    def picture(self) -> WorkerLease:
        numbers = {"pid": 1, "start_ticks": 1, "port": 1, "slots_total": 1, "slots_busy": 0, "served_total": 0}
        return WorkerLease(instance="i", state=self.state, load_progress=0, **numbers)


@pytest.fixture
async def kept():
    made = Kept()
    running = asyncio.create_task(made.keeper.run())
    async with asyncio.timeout(1):
        await made.peers.arrived.acquire()
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_change_is_pushed_at_once_and_not_at_the_heartbeat(kept):
    kept.state = WorkerState.READY
    kept.keeper.changed()
    async with asyncio.timeout(1):
        await kept.peers.arrived.acquire()
    assert kept.peers.pushed == ["loading", "ready"]


async def test_a_change_during_a_push_is_pushed_after_it(kept):
    kept.peers.let_through.clear()
    kept.keeper.changed()
    async with asyncio.timeout(1):
        await kept.peers.arrived.acquire()
        kept.state = WorkerState.READY
        kept.keeper.changed()
        kept.peers.let_through.set()
        await kept.peers.arrived.acquire()
    assert kept.peers.pushed[-1] == "ready"


async def test_an_older_push_never_arrives_after_a_newer_one(kept):
    kept.peers.let_through.clear()
    kept.keeper.changed()
    async with asyncio.timeout(1):
        await kept.peers.arrived.acquire()
        kept.state = WorkerState.DRAINING
        announcing = asyncio.create_task(kept.keeper.push())
        await asyncio.sleep(0)
        assert "draining" not in kept.peers.pushed
        kept.peers.let_through.set()
        await announcing
    assert kept.peers.pushed[-1] == "draining"


async def test_a_disowned_worker_pushes_no_more(kept):
    kept.peers.status = 410
    await kept.keeper.push()
    count = len(kept.peers.pushed)
    await kept.keeper.push()
    assert (kept.ends, len(kept.peers.pushed)) == ([LeaseEnd.DISOWNED], count)
