"""The outer half of both inference routes, the same in a worker, which serves, and in a queen or hive, which relay.

It reads the request and its deadline, tracks it, watches for the client's hang-up, answers errors, and counts how it
ended. It is a raw ASGI app: FastAPI's own handling would hide the hang-up and slow every request down.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from daemons.common import asgi
from daemons.common.completions import ChatRequest, CompletionRequest, parse_inference
from daemons.common.daemon import Daemon
from daemons.common.deadline import HEADER as DEADLINE_HEADER
from daemons.common.deadline import Deadline
from daemons.common.errors import ApiError
from daemons.common.inflight import EndedError, EndReason, Running
from daemons.common.logs import current_request_id, log
from daemons.common.metrics import Outcome


class StreamAnswer:
    """The answer of one call. While `begun` is False anything may still be answered (or tried elsewhere)."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def write(self, headers: Mapping[str, str], data: bytes) -> None:
        """Send bytes of a stream; `headers` go out with the first ones. Waits for a slow reader."""
        await self._begin(headers)
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, headers: Mapping[str, str], data: bytes) -> None:
        """Send the last bytes of a stream and end it, in one message.

        A client that hangs up when it has seen `[DONE]` must not count as one that left early.
        """
        await self._begin(headers)
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a complete answer."""
        self.begun = True
        await asgi.send_json(self._send, status, body, headers)

    async def fail(self, error: ApiError, flush_timeout_ms: int) -> None:
        """Send an error: as the answer, or as the last event of a begun stream, without [DONE].

        A client that does not read it within `flush_timeout_ms` is given up: its connection breaks when this returns.
        """
        try:
            async with asyncio.timeout(flush_timeout_ms / 1000):
                if self.begun:
                    await self.finish({}, error.chunk())
                else:
                    self.begun = True
                    await asgi.send_error(self._send, error)
        except TimeoutError:
            log.warning("error_not_delivered", code=error.code)

    async def _begin(self, headers: Mapping[str, str]) -> None:
        if not self.begun:
            self.begun = True
            fields = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
            await self._send({"type": "http.response.start", "status": 200, "headers": fields})


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted inference request."""

    scope: Scope
    request: ChatRequest | CompletionRequest
    body: bytes
    running: Running
    answer: StreamAnswer


class InferenceApp(ABC):
    """The ASGI app of both inference routes; a subclass serves the accepted calls."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    @abstractmethod
    async def serve(self, call: Call) -> Outcome:
        """Serve one call, within its bounds. An ApiError becomes the answer, or the last event of the stream."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        outcome = Outcome.CLIENT_GONE
        body = await asgi.read_body(receive)
        if body is not None:
            try:
                outcome = await self._accept(scope, receive, send, body)
            except ApiError as error:
                await asgi.send_error(send, error)
                outcome = outcome_of(error)
        seconds = time.monotonic() - asgi.arrived(scope)
        self.daemon.metrics.ended(outcome, seconds)
        log.info("inference", outcome=outcome, duration_ms=round(seconds * 1000, 3))

    async def _accept(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> Outcome:
        deadline = Deadline.from_header(
            asgi.header(scope, DEADLINE_HEADER.encode()),
            default_ms=self.daemon.durations.deadline_ms,
            since=asgi.arrived(scope),
        )
        request = parse_inference(scope["path"], body)
        with self.daemon.inflight.track(current_request_id(), deadline) as running:
            watcher = asyncio.get_running_loop().create_task(_watch_disconnect(receive, running))
            try:
                outcome = await self._hold(Call(scope, request, body, running, StreamAnswer(send)))
            finally:
                watcher.cancel()
            if outcome is Outcome.SERVED:
                self.daemon.inflight.served.add(running.request_id)
            return outcome

    async def _hold(self, call: Call) -> Outcome:
        """Serve the call within its bounds, and send its client an error when it is ended."""
        flush_timeout_ms = self.daemon.durations.flush_timeout_ms
        try:
            async with call.running.bounds():
                return await self.serve(call)
        except EndedError as ended:
            log.info("inference_ended", reason=ended.reason, begun=call.answer.begun)
            if ended.reason is not EndReason.CLIENT_GONE:
                await call.answer.fail(ended.reason.error(), flush_timeout_ms)
            return outcome_of_end(ended.reason)
        except ApiError as error:
            await call.answer.fail(error, flush_timeout_ms)
            return outcome_of(error)


async def _watch_disconnect(receive: Receive, running: Running) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    running.end(EndReason.CLIENT_GONE)


def outcome_of_status(status: int) -> Outcome:
    """Return how a request counts that was answered with this error status."""
    return Outcome.REJECTED if status < 500 or status == 503 else Outcome.ERROR


def outcome_of(error: ApiError) -> Outcome:
    """Return how a request counts that was answered with this error."""
    return outcome_of_status(error.status)


def outcome_of_end(reason: EndReason) -> Outcome:
    """Return how a request counts that was ended."""
    return {EndReason.CLIENT_GONE: Outcome.CLIENT_GONE, EndReason.CANCELLED: Outcome.CANCELLED}.get(
        reason, Outcome.ERROR
    )
