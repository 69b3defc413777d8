"""Waiting for a condition, woken by whoever changes it."""

from __future__ import annotations

import asyncio

import pytest

from daemons.hive.noticeboard import Noticeboard

pytestmark = pytest.mark.anyio


async def test_a_condition_that_holds_already_needs_no_news():
    assert await Noticeboard().until(lambda: True, within_ms=0)


async def test_the_bound():
    assert not await Noticeboard().until(lambda: False, within_ms=5)


async def test_everyone_who_waits_is_woken():
    board = Noticeboard()
    facts: list[int] = []
    waiting = [asyncio.create_task(board.until(lambda n=n: len(facts) > n, within_ms=1_000)) for n in range(3)]
    for n in range(3):
        await asyncio.wait(waiting, timeout=0)
        facts.append(n)
        board.changed()
    assert await asyncio.gather(*waiting) == [True, True, True]


async def test_a_wait_that_is_cancelled_leaves_nothing():
    board = Noticeboard()
    task = asyncio.create_task(board.until(lambda: False))
    await asyncio.wait([task], timeout=0.001)
    task.cancel()
    await asyncio.wait([task])
    board.changed()
    assert not board._waiting
