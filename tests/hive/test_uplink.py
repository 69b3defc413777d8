"""Leases to the queen: at once, coalesced, complete, and through an outage."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from daemons.common.client import Answer, PeerClient, PeerError, PeerFault
from daemons.common.durations import Durations
from daemons.hive.changes import Changes
from daemons.hive.uplink import Uplink
from daemons.hive.wire import Lease, NodeResources

pytestmark = pytest.mark.anyio

DURATIONS = Durations(heartbeat_ms=60, lease_ms=180, orphan_grace_ms=360, connect_ms=200, probe_timeout_ms=100)


class Queen:
    """Takes leases, or does not."""

    def __init__(self) -> None:
        self.leases: list[dict[str, Any]] = []
        self.status = 200
        self.instance = "queen-1"
        self.changes = Changes()
        self.hold: asyncio.Event | None = None
        self.port = 0

    async def lease(self, request: web.Request) -> web.Response:
        lease = await request.json()
        if self.hold is not None:
            await self.hold.wait()
        if self.status == 200:
            self.leases.append(lease)
        self.changes.notify()
        return web.json_response({"lease_ms": 180, "queen_instance": self.instance}, status=self.status)

    async def had(self, count: int) -> None:
        assert await self.changes.until(lambda: len(self.leases) >= count, within_ms=2_000)


class Hive:
    """Draws the picture: a state that changes and a sequence that rises."""

    def __init__(self) -> None:
        self.url = "http://127.0.0.1:1"
        self.sequence = 0

    def picture(self) -> Lease:
        self.sequence += 1
        resources = NodeResources(cpus=1, memory_total_bytes=1, memory_available_bytes=1, disk_available_bytes=1)
        return Lease(
            instance="i",
            sequence=self.sequence,
            url=self.url,
            version="0.1.0",
            pid=1,
            start_ticks=1,
            state="ready",
            workers=[],
            resources=resources,
        )


@asynccontextmanager
async def linked(durations: Durations = DURATIONS) -> AsyncIterator[tuple[Queen, Uplink, Hive]]:
    queen, hive = Queen(), Hive()
    app = web.Application()
    app.add_routes([web.put("/v1/hives/h/lease", queen.lease)])
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    queen.port = runner.addresses[0][1]
    async with PeerClient("127.0.0.1", durations) as client:
        url = f"http://127.0.0.1:{queen.port}/v1/hives/h/lease"
        uplink = Uplink(client, url, durations, hive.picture)
        task = asyncio.create_task(uplink.run())
        try:
            yield queen, uplink, hive
        finally:
            task.cancel()
            await asyncio.wait([task])
            await runner.cleanup()


async def test_a_lease_each_heartbeat_with_a_rising_sequence():
    async with linked() as (queen, uplink, _):
        await queen.had(3)
        assert [lease["sequence"] for lease in queen.leases[:3]] == [1, 2, 3]
        assert uplink.up


async def test_a_change_is_told_at_once_and_a_burst_in_one():
    async with linked(Durations()) as (queen, uplink, hive):
        await queen.had(1)
        await queen.changes.until(lambda: uplink.up, within_ms=100)
        hive.url = "http://127.0.0.1:2"
        for _ in range(50):
            uplink.changed()
        await uplink.flush()
        assert queen.leases[-1]["url"] == hive.url
        assert len(queen.leases) == 2, "production heartbeats: only the change can have caused it"


async def test_a_change_during_a_push_is_told_in_the_next():
    async with linked(Durations()) as (queen, uplink, hive):
        await queen.had(1)
        await queen.changes.until(lambda: uplink.up, within_ms=100)
        queen.hold = asyncio.Event()
        uplink.changed()
        await queen.changes.until(lambda: hive.sequence == 2, within_ms=20)
        hive.url = "http://127.0.0.1:3"
        uplink.changed()
        queen.hold.set()
        await uplink.flush()
        assert queen.leases[-1]["url"] == hive.url


@pytest.mark.parametrize("status", [500, 410])
async def test_an_outage_is_one_log_line_and_heals(status, capfd):
    async with linked() as (queen, uplink, hive):
        await queen.had(1)
        queen.status = status
        before = hive.sequence
        await queen.changes.until(lambda: hive.sequence >= before + 4, within_ms=2_000)
        assert not uplink.up
        assert uplink.fault == f"HTTP {status}"
        await asyncio.wait_for(uplink.flush(), 0.05)  # no queen to wait for
        had = len(queen.leases)
        queen.status = 200
        await queen.had(had + 1)
        await queen.changes.until(lambda: uplink.up, within_ms=100)
    lines = capfd.readouterr().err.splitlines()
    event = "lease_refused" if status == 410 else "queen_unreachable"
    assert sum(f'"{event}"' in line for line in lines) == 1
    assert sum("advice" in line for line in lines) == 1
    assert sum('"queen_reached_again"' in line for line in lines) == 1


async def test_a_queen_that_hangs_does_not_hold_a_drain_up():
    async with linked(Durations(connect_ms=50)) as (queen, uplink, _):
        await queen.had(1)
        await queen.changes.until(lambda: uplink.up, within_ms=100)
        queen.hold = asyncio.Event()
        uplink.changed()
        await asyncio.wait_for(uplink.flush(), 1)
        queen.hold.set()


async def test_a_healed_link_is_found_within_a_heartbeat():
    """A connect that is dropped hangs; the next push does not wait for it longer than a heartbeat, nor after it."""
    durations = Durations(heartbeat_ms=200, lease_ms=600, orphan_grace_ms=600, connect_ms=2_000)
    calls: list[tuple[float, int]] = []

    class SilentLink:
        async def call(self, _method: str, _url: str, *, json_body: object, timeout_ms: int, connect_ms: int) -> Answer:
            del json_body, timeout_ms
            calls.append((time.monotonic(), connect_ms))
            await asyncio.sleep(connect_ms / 1000)
            raise PeerError(PeerFault.TIMED_OUT, "no SYN-ACK")

    uplink = Uplink(SilentLink(), "http://x", durations, Hive().picture)
    task = asyncio.create_task(uplink.run())
    await asyncio.sleep(1)
    task.cancel()
    assert {connect_ms for _, connect_ms in calls} == {200}
    pauses = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(calls)]
    assert len(pauses) >= 2
    assert max(pauses) < 0.3, "a heartbeat from push to push"


async def test_a_slow_link_makes_heartbeats_no_rarer():
    durations = Durations(heartbeat_ms=200, lease_ms=600, orphan_grace_ms=600)
    calls: list[float] = []

    class SlowLink:
        async def call(self, _method: str, _url: str, *, json_body: object, timeout_ms: int, connect_ms: int) -> Answer:
            del json_body, timeout_ms, connect_ms
            calls.append(time.monotonic())
            await asyncio.sleep(0.15)
            return Answer(200, b'{"lease_ms": 600, "queen_instance": "q"}')

    task = asyncio.create_task(Uplink(SlowLink(), "http://x", durations, Hive().picture).run())
    await asyncio.sleep(1)
    task.cancel()
    assert max(later - earlier for earlier, later in itertools.pairwise(calls)) < 0.3
