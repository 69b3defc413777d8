"""uvicorn as a part, not as the owner: no signals, no lifespan, no polling ticks, a socket that we bound.

uvicorn's own `Server` polls ten times a second and sleeps in its stop; this one waits for events, so that a stop
takes milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from email.utils import formatdate

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

KEEP_ALIVE_S = 5
"""uvicorn's default: how long a client's idle connection is kept."""
_FLUSH_POLL_S = 0.005
"""How often a stop looks whether the last connection is gone; below what anybody notices in an exit."""


class HttpServer:
    """Serves an ASGI app on a listening socket with uvicorn's httptools protocol."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._config = Config(
            app,
            http="httptools",
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
        """Accept connections; they are when this returns."""
        self._config.load()
        loop = asyncio.get_running_loop()
        self._clock = loop.create_task(self._keep_date(), name="date header")
        self._set_date()
        self._server = await loop.create_server(self._protocol, sock=self._listener, backlog=2048)

    def _protocol(self) -> asyncio.Protocol:
        return self._config.http_protocol_class(  # type: ignore[call-arg]
            config=self._config, server_state=self._state, app_state={}
        )

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
