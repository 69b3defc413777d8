"""Waiting for a condition, woken by whoever changes it."""

from __future__ import annotations

import asyncio

import pytest

from daemons.hive.changes import Changes

pytestmark = pytest.mark.anyio


async def test_a_condition_that_holds_already_needs_no_news():
    assert await Changes().until(lambda: True, within_ms=0)


async def test_the_bound():
    assert not await Changes().until(lambda: False, within_ms=5)


async def test_everyone_who_waits_is_woken():
    changes = Changes()
    facts: list[int] = []
    waiting = [asyncio.create_task(changes.until(lambda n=n: len(facts) > n, within_ms=1_000)) for n in range(3)]
    for n in range(3):
        await asyncio.wait(waiting, timeout=0)
        facts.append(n)
        changes.notify()
    assert await asyncio.gather(*waiting) == [True, True, True]


async def test_a_wait_that_is_cancelled_leaves_nothing():
    changes = Changes()
    task = asyncio.create_task(changes.until(lambda: False))
    await asyncio.wait([task], timeout=0.001)
    task.cancel()
    await asyncio.wait([task])
    changes.notify()
    assert not changes._waiting
