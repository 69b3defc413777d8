"""SIGTERM, the time that follows it, and SIGKILL."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from daemons.common.durations import Durations
from daemons.hive.changes import Changes
from daemons.hive.states import KillReason
from daemons.hive.workers.stopping import end_worker

pytestmark = pytest.mark.anyio

GRACE_MS, DRAIN_MS = 60, 90
DURATIONS = Durations(kill_grace_ms=GRACE_MS, drain_ms=DRAIN_MS)


class Process:
    """Records its signals; SIGKILL ends it, and SIGTERM when it is polite."""

    def __init__(self, changes: Changes, *, polite: bool = False) -> None:
        self.ended = False
        self.sent: list[signal.Signals] = []
        self._changes = changes
        self._polite = polite

    def send(self, number: signal.Signals) -> bool:
        self.sent.append(number)
        if number is signal.SIGKILL or self._polite:
            self.ended = True
            self._changes.notify()
        return True


async def stop(process: Process, changes: Changes, *, announced=lambda: False, forced=lambda: False):
    kills: list[KillReason] = []
    began = time.monotonic()
    await end_worker(process, changes, DURATIONS, drain_announced=announced, forced=forced, on_kill=kills.append)
    return kills, (time.monotonic() - began) * 1000


async def test_a_worker_that_ends_is_never_killed():
    changes = Changes()
    process = Process(changes, polite=True)
    assert (await stop(process, changes))[0] == []
    assert process.sent == [signal.SIGTERM]


async def test_a_worker_that_says_nothing_is_killed_after_the_grace():
    changes = Changes()
    process = Process(changes)
    kills, took_ms = await stop(process, changes)
    assert kills == [KillReason.TERM_IGNORED]
    assert process.sent == [signal.SIGTERM, signal.SIGKILL]
    assert GRACE_MS <= took_ms < GRACE_MS + DRAIN_MS


async def test_a_worker_that_drains_gets_its_drain_and_one_grace_more():
    changes = Changes()
    process = Process(changes)
    kills, took_ms = await stop(process, changes, announced=lambda: True)
    assert kills == [KillReason.DRAIN_OVERRAN]
    assert took_ms >= DRAIN_MS + GRACE_MS


async def test_force_needs_no_sigterm():
    changes = Changes()
    process = Process(changes)
    kills, _ = await stop(process, changes, forced=lambda: True)
    assert kills == [KillReason.FORCED]
    assert process.sent == [signal.SIGKILL]


@pytest.mark.parametrize("announced", [True, False])
async def test_force_ends_a_wait_under_way(announced):
    changes = Changes()
    process = Process(changes)
    force = False

    async def change_mind() -> None:
        nonlocal force
        force = True
        changes.notify()

    stopping = asyncio.create_task(stop(process, changes, announced=lambda: announced, forced=lambda: force))
    await changes.until(lambda: bool(process.sent), within_ms=10)
    await change_mind()
    kills, took_ms = await stopping
    assert kills == [KillReason.FORCED]
    assert took_ms < GRACE_MS


async def test_five_stubborn_ones_take_one_grace():
    all_changes = [Changes() for _ in range(5)]
    began = time.monotonic()
    await asyncio.gather(*(stop(Process(changes), changes) for changes in all_changes))
    assert (time.monotonic() - began) * 1000 < 2 * GRACE_MS
