"""The relay of inference requests, hop by hop: used by the queen (to hives) and by the hive (to its workers).

Its rules:
- Nothing is sent to the client before the first bytes of an answer have come: until then another target can be tried.
- After the first byte nothing is retried. A stream that breaks then ends with an error chunk and no `[DONE]`; one that
  simply stops without `[DONE]` is broken too.
- Bytes are passed on as they are. An answer that is not a stream is passed on when it is complete, or not at all.
- The client's hang-up, DELETE, the drain, the deadline and the stall bounds close the upstream connection at once,
  which is how the next hop learns of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from daemons.common import asgi
from daemons.common.client import PeerFault, peer_fault
from daemons.common.daemon import Daemon
from daemons.common.deadline import HEADER as DEADLINE_HEADER
from daemons.common.errors import ApiError, ErrorCode, code_of
from daemons.common.inference import Call, InferenceApp, outcome_of_status
from daemons.common.logs import log
from daemons.common.metrics import Outcome
from daemons.common.sse import NotAnEventStreamError, SseTail
from daemons.common.targets import Attempt, Route, Router, Target, Verdict

MAX_RETRIES = 2
"""How often another target is tried before the first byte."""

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""The largest answer that is buffered to be passed on; 100,000 tokens are below 1 MiB."""

_PASSED_HEADERS = ("content-type", "cache-control", "retry-after", "x-worker-id")

_RETRYABLE = frozenset(
    {
        ErrorCode.BUSY,
        ErrorCode.DRAINING,
        ErrorCode.STARTING,
        ErrorCode.WORKER_LOST,
        ErrorCode.WORKER_NOT_FOUND,
        ErrorCode.HIVE_UNREACHABLE,
        ErrorCode.NO_WORKER_AVAILABLE,
    }
)
"""Answers of a target about itself, not about the request: another target may serve it."""

_BREAKS = (aiohttp.ClientError, OSError, NotAnEventStreamError)  # the TimeoutError of a connect is an OSError


class _BrokenError(Exception):
    """An attempt without a complete answer: the error for the client, and the attempt for the route."""

    def __init__(self, error: ApiError, attempt: Attempt) -> None:
        super().__init__(f"{error.code}: {attempt.fault}")
        self.error = error
        self.attempt = attempt


class _RefusedError(Exception):
    """The target answered with an error; it is passed on unchanged unless another target serves."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.code = code_of(body)
        super().__init__(f"HTTP {status} {self.code or ''}")


class Relay(InferenceApp):
    """The raw ASGI app of both inference routes of a queen or hive.

    Args:
        daemon: whose in-flight set, metrics and durations count.
        router: chooses the targets.
        lost: the code when a target cannot be reached: hive_unreachable for a queen, worker_lost for a hive.

    Set `session` (from `PeerClient.session`) in the daemon's on_start, when the loop runs.
    """

    def __init__(self, daemon: Daemon, router: Router, *, lost: ErrorCode) -> None:
        super().__init__(daemon)
        self.session: aiohttp.ClientSession | None = None
        self.lost = lost
        self._router = router

    async def serve(self, call: Call) -> Outcome:
        """Relay one call, to another target if one fails."""
        assert self.session is not None, "the gate lets no request through before the daemon is open"
        route = self._router.route(call.request, call.scope)
        return await _Exchange(self, self.session, call).try_targets(route)


class _Exchange:
    """One relayed call: its attempts and its answer."""

    def __init__(self, relay: Relay, session: aiohttp.ClientSession, call: Call) -> None:
        self._lost = relay.lost
        self._durations = relay.daemon.durations
        self._session = session
        self._call = call
        self._running = call.running
        self._answer = call.answer

    async def try_targets(self, route: Route) -> Outcome:
        """Try targets until one has answered; before the first byte only, and at most MAX_RETRIES further ones."""
        failure: _BrokenError | _RefusedError | None = None
        for tries_left in reversed(range(MAX_RETRIES + 1)):
            try:
                target = await route.pick()
            except ApiError:
                if failure is None:
                    raise
                break  # no other target: the client gets the failure itself, not that there is no target left
            try:
                return await self._try_target(route, target)
            except _BrokenError as broken:
                failure = broken
            except _RefusedError as refused:
                if failure is not None and refused.code is ErrorCode.DUPLICATE_REQUEST:
                    break  # the previous attempt was served after all, and its answer was lost: report that loss
                failure = refused
            log.warning("attempt_failed", target=target.label, why=str(failure), tries_left=tries_left)
            if self._answer.begun or (isinstance(failure, _RefusedError) and failure.code not in _RETRYABLE):
                break
        assert failure is not None
        if isinstance(failure, _BrokenError):
            raise failure.error
        await self._answer.whole(failure.status, failure.headers, failure.body)
        return outcome_of_status(failure.status)

    async def _try_target(self, route: Route, target: Target) -> Outcome:
        attempt = Attempt(Verdict.ENDED)
        try:
            code = await self._pass_through(target)
            attempt = Attempt(Verdict.SERVED) if code is None else Attempt(Verdict.REFUSED, code)
        except _BrokenError as broken:
            attempt = broken.attempt
            raise
        except _RefusedError as refused:
            attempt = Attempt(Verdict.REFUSED, refused.code)
            raise
        except asyncio.CancelledError:
            if self._running.stalled:
                attempt = Attempt(Verdict.BROKE, ErrorCode.STALLED, PeerFault.TIMED_OUT)
            raise
        finally:
            route.release(target, attempt)
        if code is None:
            return Outcome.SERVED
        return Outcome.CANCELLED if code is ErrorCode.CANCELLED else Outcome.ERROR

    async def _pass_through(self, target: Target) -> ErrorCode | None:
        """Send the request and pass its answer on; return the code of the error that a stream itself ended with."""
        if self._call.request.streamed:
            # An answer that is not streamed sends nothing before it is complete: only the deadline bounds it.
            self._running.expect_within(self._durations.first_token_ms)
        try:
            response = await self._session.post(
                target.url, data=self._call.body, headers=self._headers(target), allow_redirects=False
            )
        except _BREAKS as error:
            raise self._broken(peer_fault(error)) from error
        try:
            if response.status != 200:
                raise await self._refused(response)
            if response.content_type == "text/event-stream":
                return await self._pass_stream(response)
            body = await self._read_whole(response)
            self._running.expect_by_deadline()
            await self._answer.whole(200, _passed(response), body)
        finally:
            response.close()  # not release(): an abandoned stream must end now, which is how the next hop notices
        return None

    def _headers(self, target: Target) -> dict[str, str]:
        return {
            "content-type": "application/json",
            asgi.REQUEST_ID_HEADER.decode(): self._running.request_id,
            DEADLINE_HEADER: str(self._running.deadline.remaining_ms()),
            **target.headers,
        }

    async def _pass_stream(self, response: aiohttp.ClientResponse) -> ErrorCode | None:
        tail = SseTail()
        headers = _passed(response)
        while True:
            try:
                chunk = await response.content.readany()
                events = tail.feed(chunk)
            except _BREAKS as error:
                raise self._broken(peer_fault(error)) from error
            if not chunk:
                raise self._broken(PeerFault.LOST)  # a complete HTTP answer, but not a complete stream
            if events:
                self._running.expect_by_deadline()  # a slow client is not a stalled worker
                if tail.complete:
                    await self._answer.finish(headers, events)
                    return None if tail.saw_done else tail.error_code or self._lost
                await self._answer.write(headers, events)
            self._running.expect_within(self._durations.between_tokens_ms)

    async def _read_whole(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        try:
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise self._broken(PeerFault.UNREADABLE)
        except _BREAKS as error:
            raise self._broken(peer_fault(error)) from error
        return bytes(body)

    async def _refused(self, response: aiohttp.ClientResponse) -> _RefusedError | _BrokenError:
        refused = _RefusedError(response.status, _passed(response), await self._read_whole(response))
        # Our own codes and a client's mistakes are passed on; a foreign server's 5xx page is a lost worker.
        if refused.code is None and not 400 <= refused.status < 500:
            return self._broken(PeerFault.UNREADABLE)
        return refused

    def _broken(self, fault: PeerFault) -> _BrokenError:
        begun = self._answer.begun
        message = "the connection to the worker was lost" if begun else "the worker cannot be reached"
        verdict = Verdict.BROKE if begun else Verdict.UNREACHABLE
        return _BrokenError(
            ApiError(self._lost, message, details={"fault": str(fault)}), Attempt(verdict, self._lost, fault)
        )


def _passed(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: response.headers[name] for name in _PASSED_HEADERS if name in response.headers}
