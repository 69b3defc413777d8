"""Events: numbered, kept for latecomers, and never waiting for a slow listener."""

from __future__ import annotations

import json

import pytest

from daemons.queen import events
from daemons.queen.changes import Change, Kind
from daemons.queen.events import EventHub

pytestmark = pytest.mark.anyio


def change(number: int) -> Change:
    return Change(Kind.WORKER_READY, {"worker_id": f"w{number}"})


def data_of(frame: bytes) -> dict:
    line = next(line for line in frame.decode().splitlines() if line.startswith("data: "))
    return json.loads(line.removeprefix("data: "))


async def frames(stream, count):
    return [await anext(stream) for _ in range(count)]


@pytest.fixture
def hub():
    return EventHub("queen-1")


async def test_a_listener_hears_what_happens_after_it_came(hub):
    hub.publish([change(1)])
    stream = hub.stream(None, heartbeat_s=60)
    assert await anext(stream) == b": open\n\n"
    hub.publish([change(2)])
    frame = await anext(stream)
    assert frame.startswith(b"id: 2\nevent: worker.ready\ndata: {")
    told = data_of(frame)
    assert (told["sequence"], told["kind"], told["worker_id"], told["queen_instance"]) == (
        2,
        "worker.ready",
        "w2",
        "queen-1",
    )
    assert told["at"].endswith("Z")
    await stream.aclose()
    assert hub.listeners == 0


@pytest.mark.parametrize(("since", "expected"), [(0, [1, 2, 3]), (2, [3]), (3, []), (99, [])])
async def test_since_replays_what_was_missed(hub, since, expected):
    hub.publish([change(n) for n in (1, 2, 3)])
    hub.close()
    told = [frame async for frame in hub.stream(since, 60)]
    assert [data_of(frame)["sequence"] for frame in told[1:]] == expected


async def test_nothing_is_missed_or_told_twice_between_replay_and_live(hub):
    hub.publish([change(1), change(2)])
    stream = hub.stream(0, 60)
    await anext(stream)
    hub.publish([change(3)])
    assert [data_of(frame)["sequence"] for frame in await frames(stream, 3)] == [1, 2, 3]
    await stream.aclose()


async def test_the_ring_is_bounded_and_says_what_it_lost(hub):
    hub.publish([change(n) for n in range(events.RING_EVENTS + 5)])
    kept, lost = hub.since(0)
    assert (len(kept), lost) == (events.RING_EVENTS, 5)
    assert hub.since(5)[1] == 0
    hub.close()
    told = [frame async for frame in hub.stream(0, 60)]
    assert told[1] == b": 5 older events are no longer kept\n\n"


async def test_silence_is_broken_by_comment_lines(hub):
    stream = hub.stream(None, heartbeat_s=0.01)
    assert await frames(stream, 3) == [b": open\n\n", b": heartbeat\n\n", b": heartbeat\n\n"]
    await stream.aclose()


async def test_a_listener_that_falls_behind_is_let_go(hub):
    stream = hub.stream(None, 60)
    await anext(stream)
    hub.publish([change(n) for n in range(events.QUEUE_EVENTS + 50)])
    told = [frame async for frame in stream]
    assert len(told) == events.QUEUE_EVENTS + 1
    assert told[-1] == b": fell behind; connect again with since\n\n"
    assert hub.listeners == 0


async def test_closing_ends_open_streams(hub):
    stream = hub.stream(None, 60)
    await anext(stream)
    hub.publish([change(1)])
    hub.close()
    assert len([frame async for frame in stream]) == 1
