"""uvicorn's HTTP protocol on our own socket: without its signals, lifespan and polling.

uvicorn's own `Server` polls ten times a second and sleeps while it stops; this one waits for events, so that a stop
takes milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import uuid
from email.utils import formatdate

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from daemons.common.errors import ApiError, ErrorCode, dump_json

KEEP_ALIVE_S = 5
"""uvicorn's default: how long a client's idle connection is kept."""
_FLUSH_POLL_S = 0.005
"""How often a stop checks whether the last connection is closed: too short to be noticed in an exit."""


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with an error in our shape for bytes that are not HTTP: no layer of the app sees those."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 the signature is uvicorn's
        """Answer and close."""
        request_id = f"req-{uuid.uuid4().hex}"
        body = dump_json(ApiError(ErrorCode.BAD_REQUEST, "this is not a valid HTTP request").body(request_id))
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class HttpServer:
    """Serves an ASGI app on a listening socket with uvicorn's httptools protocol."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._config = Config(
            app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self._listener = listener
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._clock: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to accept connections."""
        self._config.load()
        loop = asyncio.get_running_loop()
        self._clock = loop.create_task(self._keep_date(), name="date header")
        self._set_date()
        self._server = await loop.create_server(self._protocol, sock=self._listener, backlog=2048)

    def _protocol(self) -> asyncio.Protocol:
        return _Protocol(config=self._config, server_state=self._state, app_state={})

    async def stop(self, *, handlers_s: float, flush_s: float) -> None:
        """Close the listener, then the connections.

        Args:
            handlers_s: how long running handlers may take before they are cancelled.
            flush_s: how long answers may take in all to reach slow readers before their connections are aborted.
        """
        assert self._server is not None
        assert self._clock is not None
        began = time.monotonic()
        self._clock.cancel()
        self._server.close()
        # Idle keep-alive connections close now, busy ones after their answer.
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            _, late = await asyncio.wait(self._state.tasks, timeout=handlers_s)
            for task in late:
                task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, flush_s - (time.monotonic() - began))):
                while self._state.connections:  # noqa: ASYNC110 uvicorn has no event for it
                    await asyncio.sleep(_FLUSH_POLL_S)
        for connection in list(self._state.connections):
            connection.transport.abort()

    def _set_date(self) -> None:
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]

    async def _keep_date(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._set_date()
