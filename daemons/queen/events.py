"""What changed in the cluster, told to whoever listens: a ring for latecomers, a bounded queue per listener."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime

from daemons.queen.changes import Change

RING_EVENTS = 1000
"""Events kept for `?since=N`: a reader that lost its connection for a minute misses nothing."""

QUEUE_EVENTS = 500
"""Events that wait for one slow listener; beyond it the listener is let go and may come back with `since`."""


class Event:
    """One numbered event, encoded once for all listeners."""

    __slots__ = ("data", "frame", "kind", "sequence")

    def __init__(self, sequence: int, change: Change, queen_instance: str, at: str) -> None:
        """at: wall clock, ISO 8601 in UTC."""
        self.sequence = sequence
        self.kind = change.kind
        self.data: dict[str, object] = {"sequence": sequence, "at": at, "kind": change.kind.value}
        self.data |= {"queen_instance": queen_instance, **change.fields}
        body = json.dumps(self.data, separators=(",", ":"))
        self.frame = f"id: {sequence}\nevent: {change.kind.value}\ndata: {body}\n\n".encode()


class _Listener:
    """One open stream. `None` in the queue means: the queen is closing, or the listener fell behind."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self.lagging = False

    def put(self, event: Event) -> None:
        if self.lagging:
            return
        if self.queue.qsize() >= QUEUE_EVENTS:
            self.lagging = True
            self.queue.put_nowait(None)
            return
        self.queue.put_nowait(event)


class EventHub:
    """Numbers changes from 1 in each life of the queen, keeps the last ones, and feeds the open streams."""

    def __init__(self, queen_instance: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """now: the wall clock, for people."""
        self._queen_instance = queen_instance
        self._now = now
        self._ring: deque[Event] = deque(maxlen=RING_EVENTS)
        self._sequence = 0
        self._listeners: set[_Listener] = set()
        self._closed = False

    @property
    def sequence(self) -> int:
        """The number of the last event; 0: none yet."""
        return self._sequence

    @property
    def listeners(self) -> int:
        """Open streams."""
        return len(self._listeners)

    def publish(self, changes: Iterable[Change]) -> list[Event]:
        """Number the changes, keep them, and tell every listener."""
        at = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        events = []
        for change in changes:
            self._sequence += 1
            event = Event(self._sequence, change, self._queen_instance, at)
            self._ring.append(event)
            events.append(event)
            for listener in self._listeners:
                listener.put(event)
        return events

    def since(self, sequence: int) -> tuple[list[Event], int]:
        """The kept events after that number, and how many of them the ring has lost."""
        kept = [event for event in self._ring if event.sequence > sequence]
        oldest = self._ring[0].sequence if self._ring else self._sequence + 1
        return kept, max(0, min(oldest, self._sequence + 1) - 1 - sequence)

    def close(self) -> None:
        """End every stream, and each new one after what it asked for."""
        self._closed = True
        for listener in self._listeners:
            listener.queue.put_nowait(None)

    async def stream(self, since: int | None, heartbeat_s: float) -> AsyncIterator[bytes]:
        """SSE frames: what was missed after `since` (None: nothing), then what happens, with a comment line
        whenever nothing was said for `heartbeat_s`. Ends when the queen closes or the listener falls behind."""
        listener = _Listener()
        self._listeners.add(listener)
        if self._closed:
            listener.queue.put_nowait(None)
        # Read the ring in the same instant as the listener joins: nothing is missed, and nothing told twice.
        missed, lost = self.since(since) if since is not None else ([], 0)
        try:
            yield b": open\n\n"
            if lost:
                yield f": {lost} older events are no longer kept\n\n".encode()
            for event in missed:
                yield event.frame
            while True:
                try:
                    async with asyncio.timeout(heartbeat_s):
                        event_or_end = await listener.queue.get()
                except TimeoutError:
                    yield b": heartbeat\n\n"
                    continue
                if event_or_end is None:
                    break
                yield event_or_end.frame
            if listener.lagging:
                yield b": fell behind; come back with since\n\n"
        finally:
            self._listeners.discard(listener)
