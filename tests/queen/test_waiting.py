"""Requests that wait for a slot: in order, bounded, and gone from the line when they give up."""

from __future__ import annotations

import asyncio

import pytest

from daemons.queen.waiting import WaitingLines

pytestmark = pytest.mark.anyio


class Slots:
    """A number of free slots, and the requests that took one, in their order."""

    def __init__(self, lines: WaitingLines, free: int = 0) -> None:
        self.lines = lines
        self.free = free
        self.served: list[str] = []

    async def request(self, name: str, model: str = "m") -> None:
        with self.lines.join(model) as ticket:
            while True:
                await ticket.called()
                if self.free:
                    self.free -= 1
                    self.served.append(name)
                    return

    def release(self, count: int = 1) -> None:
        self.free += count
        self.lines.call_first()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_first_come_first_served():
    slots = Slots(WaitingLines(10))
    tasks = []
    for name in "abc":
        tasks.append(asyncio.create_task(slots.request(name)))
        await settle()
    assert len(slots.lines) == 3
    for expected in ("a", "ab", "abc"):
        slots.release()
        await settle()
        assert "".join(slots.served) == expected
    assert len(slots.lines) == 0
    await asyncio.gather(*tasks)


async def test_several_slots_at_once_serve_several():
    slots = Slots(WaitingLines(10))
    tasks = [asyncio.create_task(slots.request(name)) for name in "abc"]
    await settle()
    slots.release(2)
    await settle()
    assert slots.served == ["a", "b"]
    slots.release()
    await asyncio.gather(*tasks)


async def test_who_gives_up_leaves_the_line_and_the_next_is_called():
    slots = Slots(WaitingLines(10))
    first, second = (asyncio.create_task(slots.request(name)) for name in "ab")
    await settle()
    slots.free = 1
    first.cancel()
    await settle()
    assert slots.served == ["b"]
    assert not slots.lines.occupied("m")
    await second


async def test_a_slot_that_came_free_while_joining_is_seen():
    slots = Slots(WaitingLines(10), free=1)
    await asyncio.wait_for(slots.request("a"), 1)
    assert slots.served == ["a"]


async def test_the_bound_counts_all_models():
    lines = WaitingLines(2)
    slots = Slots(lines)
    tasks = [asyncio.create_task(slots.request("a", "m")), asyncio.create_task(slots.request("b", "n"))]
    await settle()
    assert lines.full
    assert lines.occupied("m")
    assert not lines.occupied("o")
    slots.release(2)
    await asyncio.gather(*tasks)
    assert not lines.full


def test_a_bound_of_nothing_is_always_full():
    assert WaitingLines(0).full
