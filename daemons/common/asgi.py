"""The layers around every daemon's app, as pure ASGI: request id and last resort, gate, body limit.

Starlette's `BaseHTTPMiddleware` hides a client's disconnect and costs several times the throughput of these.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemons.common.daemon import Daemon
from daemons.common.errors import ApiError, ErrorCode, dump_json
from daemons.common.logs import bind_request_id, log

MAX_BODY_BYTES = 1024 * 1024
"""Prompts are text; a larger body is a mistake or an attack."""

REQUEST_ID_HEADER = b"x-request-id"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_ARRIVED = "beehave.arrived"

_QUIET_PATHS = ("/health", "/ready", "/metrics")
"""Requested all the time: these requests are logged at debug level."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_ALWAYS_OPEN = re.compile(
    "GET /(health|ready|metrics|openapi.json)"
    "|DELETE /v1/requests/[^/]+"  # a drain must not keep alive what its client cancels
    "|POST /v1/shutdown"  # also asked for again, and before the daemon is open
)
_LEASE = re.compile(r"PUT /v1/[a-z]+/[^/]+/lease")
"""Open while the daemon drains: workers and hives below it still report their end."""


def header(scope: Scope, name: bytes) -> str | None:
    """Return the value of a request header, or None; `name` in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def arrived(scope: Scope) -> float:
    """Return when the request arrived, on the monotonic clock: deadlines count from here."""
    at: float = scope[_ARRIVED]
    return at


async def send_json(send: Send, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Answer with a JSON body that is already encoded."""
    fields = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(key.encode("latin-1"), value.encode("latin-1")) for key, value in fields.items()],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, error: ApiError) -> None:
    """Answer with an error; only before anything else was sent."""
    await send_json(send, error.status, dump_json(error.body()), error.headers())


async def read_body(receive: Receive) -> bytes | None:
    """Return the request's complete body, or None when the client hung up before its end."""
    parts = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(parts)


class RequestContext:
    """The outermost layer: request id, request log, and a 500 in our shape for any exception that was not caught."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return
        request_id = _request_id(scope)
        bind_request_id(request_id)
        scope[_ARRIVED] = time.monotonic()
        status = 0
        finished = False

        async def send_with_id(message: Message) -> None:
            nonlocal status, finished
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (REQUEST_ID_HEADER, request_id.encode())]}
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                finished = True
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ApiError as error:
            if status:
                raise
            await send_error(send_with_id, error)
        except Exception as error:
            log.error("internal_error", exc_info=error, method=scope["method"], path=scope["path"])
            if not status:
                await send_error(send_with_id, ApiError(ErrorCode.INTERNAL, "an internal error; the log says more"))
            elif not finished:
                raise  # uvicorn closes the connection: the client must see a broken answer, not a short one
        finally:
            _log_request(scope, status)


def _request_id(scope: Scope) -> str:
    given = header(scope, REQUEST_ID_HEADER)
    if given is not None and _REQUEST_ID.fullmatch(given.encode("latin-1")):
        return given
    return f"req-{uuid.uuid4().hex}"


def _log_request(scope: Scope, status: int) -> None:
    quiet = scope["path"] in _QUIET_PATHS or scope["path"].endswith("/lease")
    write: Callable[..., None] = log.debug if quiet else log.info
    milliseconds = round((time.monotonic() - arrived(scope)) * 1000, 3)
    write("request", method=scope["method"], path=scope["path"], status=status, duration_ms=milliseconds)


class Gate:
    """Answers 503 in the place of the app: `draining` to new work, `starting` before the daemon is open."""

    def __init__(self, app: ASGIApp, daemon: Daemon) -> None:
        self._app = app
        self._daemon = daemon

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        refusal = self._refusal(scope["method"], scope["path"])
        if refusal is not None:
            await send_error(send, refusal)
            return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, path: str) -> ApiError | None:
        asked = f"{method} {path}"
        if _ALWAYS_OPEN.fullmatch(asked):
            return None
        if self._daemon.draining and method not in _SAFE_METHODS and not _LEASE.fullmatch(asked):
            return ApiError(ErrorCode.DRAINING, "this server is stopping and accepts no new work")
        # Also while it drains: a daemon that was stopped during its start has nothing to answer from.
        reason = self._daemon.not_open()
        return None if reason is None else ApiError(ErrorCode.STARTING, reason)


class BodyLimit:
    """Reads the complete body, up to the limit, before the app sees the request; 413 beyond it.

    Every route needs its complete body before it can begin, and FastAPI's own parsing would turn a limit inside
    `receive` into a 400.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["method"] in _SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        declared = header(scope, b"content-length")
        if declared is not None and int(declared) > self._limit:
            await self._refuse(send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._limit:
                await self._refuse(send)
                return
        pending: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_again() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, receive_again, send)

    async def _refuse(self, send: Send) -> None:
        details: dict[str, Any] = {"limit_bytes": self._limit}
        message = f"the request's body is over {self._limit} bytes"
        await send_error(send, ApiError(ErrorCode.BODY_TOO_LARGE, message, details=details))


def wrap(app: ASGIApp, daemon: Daemon) -> ASGIApp:
    """Return the app with all layers around it."""
    return RequestContext(Gate(BodyLimit(app), daemon))
