"""The inference requests that run in a daemon, by request id: the set that DELETE, the drain and the gauges use.

A request is tracked for as long as it may still write to its client. Inside that, `Running.bounds()` holds the work
itself to its deadline and to the stall bound, and lets DELETE, a drain or a client's hang-up end it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum

from daemons.common.deadline import Deadline
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.served import ServedIds


class EndReason(StrEnum):
    """Why a request was ended before it was done."""

    CLIENT_GONE = "client_gone"
    CANCELLED = "cancelled"
    DRAINING = "draining"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    STALLED = "stalled"

    def error(self) -> ApiError:
        """Return the answer, or the error chunk, for a request ended for this reason."""
        code, message = _ANSWERS[self]
        return ApiError(code, message)


_ANSWERS = {
    EndReason.CLIENT_GONE: (ErrorCode.CANCELLED, "the client closed the connection"),
    EndReason.CANCELLED: (ErrorCode.CANCELLED, "the request was cancelled"),
    EndReason.DRAINING: (ErrorCode.DRAINING, "this server is stopping and could not wait any longer for this request"),
    EndReason.DEADLINE_EXCEEDED: (ErrorCode.DEADLINE_EXCEEDED, "the request's deadline has passed"),
    EndReason.STALLED: (ErrorCode.STALLED, "no token came within the allowed time"),
}


class EndedError(Exception):
    """Raised out of `Running.bounds()` when the work in it was ended."""

    def __init__(self, reason: EndReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Running:
    """One running inference. Owned by the task that serves it; `end` may be called from any other."""

    def __init__(self, request_id: str, deadline: Deadline) -> None:
        self.request_id = request_id
        self.deadline = deadline
        self.started = time.monotonic()
        self.reason: EndReason | None = None
        self._timeout: asyncio.Timeout | None = None
        self._limit = EndReason.DEADLINE_EXCEEDED

    @property
    def stalled(self) -> bool:
        """Whether the stall bound, and nothing else, has ended the work."""
        expired = self._timeout is not None and self._timeout.expired()
        return expired and self.reason is None and self._limit is EndReason.STALLED

    def end(self, reason: EndReason) -> None:
        """End the work; the first reason counts, later calls do nothing."""
        if self.reason is None:
            self.reason = reason
            self._reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def bounds(self) -> AsyncIterator[None]:
        """Hold the body to the deadline and to `end`.

        Raises:
            EndedError: the body was interrupted at an await, or should not have begun.
        """
        if self.reason is not None:
            raise EndedError(self.reason)
        try:
            async with asyncio.timeout_at(self.deadline.at) as timeout:
                self._timeout = timeout
                yield
        except TimeoutError:
            if not timeout.expired():
                raise  # the work's own TimeoutError, not this bound's
            raise EndedError(self.reason or self._limit) from None
        finally:
            self._timeout = None

    def expect_within(self, ms: int) -> None:
        """Bound the next await by `ms`, after which the work ends as stalled, or by the deadline if that is sooner."""
        if self.reason is None:
            stall = asyncio.get_running_loop().time() + ms / 1000
            self._limit = EndReason.STALLED if stall < self.deadline.at else EndReason.DEADLINE_EXCEEDED
            self._reschedule(min(stall, self.deadline.at))

    def expect_by_deadline(self) -> None:
        """Bound the next await by the deadline alone: a slow client is not a stalled worker."""
        if self.reason is None:
            self._limit = EndReason.DEADLINE_EXCEEDED
            self._reschedule(self.deadline.at)

    def _reschedule(self, when: float) -> None:
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(when)


class InFlight:
    """The running inferences of one daemon."""

    def __init__(self) -> None:
        self.served = ServedIds()
        self._running: dict[str, Running] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, request_id: object) -> bool:
        return request_id in self._running

    @contextmanager
    def track(self, request_id: str, deadline: Deadline) -> Iterator[Running]:
        """Track a request for the length of the block.

        Raises:
            ApiError: 409 when a request of this id is running already or has been served: nothing is run twice.
        """
        if request_id in self._running:
            raise ApiError(ErrorCode.DUPLICATE_REQUEST, "a request with this X-Request-Id is running already")
        if request_id in self.served:
            raise ApiError(ErrorCode.DUPLICATE_REQUEST, "a request with this X-Request-Id has been served already")
        running = self._running[request_id] = Running(request_id, deadline)
        self._empty.clear()
        try:
            yield running
        finally:
            del self._running[request_id]
            if not self._running:
                self._empty.set()

    def end(self, request_id: str, reason: EndReason = EndReason.CANCELLED) -> bool:
        """End one request; False when no such request runs (any more), which is not an error."""
        running = self._running.get(request_id)
        if running is None:
            return False
        running.end(reason)
        return True

    def end_all(self, reason: EndReason) -> int:
        """End every running request; return how many there were."""
        for running in list(self._running.values()):
            running.end(reason)
        return len(self._running)

    async def wait_empty(self, timeout_s: float) -> bool:
        """Wait until nothing runs; False when something still does after `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True
