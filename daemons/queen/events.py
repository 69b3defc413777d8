"""The event streams: a ring of past events for late readers, and a bounded queue for each listener."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime

from daemons.queen.changes import Change

RING_EVENTS = 1000
"""Events kept for `?since=N`: a reader that lost its connection for a minute misses none."""

QUEUE_EVENTS = 500
"""Events that wait for one slow listener; beyond it the stream ends, and the listener may return with `since`."""


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
        """Give the changes numbers, keep them, and send them to every listener."""
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
        """Return the kept events after that number, and how many the ring has lost."""
        kept = [event for event in self._ring if event.sequence > sequence]
        oldest = self._ring[0].sequence if self._ring else self._sequence + 1
        return kept, max(0, min(oldest, self._sequence + 1) - 1 - sequence)

    def close(self) -> None:
        """End every stream, and each new one after what it asked for."""
        self._closed = True
        for listener in self._listeners:
            listener.queue.put_nowait(None)

    async def stream(self, since: int | None, heartbeat_s: float) -> AsyncIterator[bytes]:
        """Yield SSE frames: the events after `since` (None: none of them), then new ones as they happen.

        A comment line is sent when there was no event for `heartbeat_s`. Ends when the queen closes, or when the
        listener falls behind.
        """
        listener = _Listener()
        self._listeners.add(listener)
        if self._closed:
            listener.queue.put_nowait(None)
        # No await between joining and reading the ring: no event is missed, and none is sent twice.
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
                yield b": fell behind; connect again with since\n\n"
        finally:
            self._listeners.discard(listener)
