"""A relay in this process between a scripted upstream and a real client, all on real sockets of 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx
import pytest

from daemons.common.api import create_api, finish
from daemons.common.client import PeerClient
from daemons.common.completions import CHAT_PATH
from daemons.common.config import DaemonConfig
from daemons.common.daemon import Daemon, Life
from daemons.common.durations import Durations
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.http_server import HttpServer
from daemons.common.relay import Relay
from daemons.common.routes_inference import add_inference_routes
from daemons.common.serve import bind
from daemons.common.targets import Attempt, Target

DURATIONS = Durations(
    connect_ms=500,
    first_token_ms=400,
    between_tokens_ms=300,
    deadline_ms=3_000,
    flush_timeout_ms=200,
    heartbeat_ms=100,
    lease_ms=300,
    orphan_grace_ms=600,
)


@pytest.fixture
def anyio_backend() -> str:
    """The daemons run on asyncio."""
    return "asyncio"


@dataclass
class Received:
    """One request as an upstream got it."""

    headers: dict[str, str]
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def begin_stream(self) -> None:
        await self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def answer(self, status: int, body: bytes, *headers: str, content_length: int | None = None) -> None:
        length = len(body) if content_length is None else content_length
        lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {length}", *headers]
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def closed_by_peer(self) -> bool:
        """Wait until the relay has closed its side."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True

    def break_off(self) -> None:
        """Reset the connection, as the kernel does for a killed process."""
        self.writer.transport.abort()


Script = Callable[[Received], Awaitable[None]]


@dataclass
class Upstream:
    """A server that answers each request by a script."""

    url: str
    requests: list[Received] = field(default_factory=list)


@asynccontextmanager
async def serve_script(script: Script, port: int = 0) -> AsyncIterator[Upstream]:
    upstream = Upstream("")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            request = Received(headers, await reader.readexactly(int(headers["content-length"])), reader, writer)
            upstream.requests.append(request)
            await script(request)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", port, reuse_address=True)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{CHAT_PATH}"
    try:
        yield upstream
    finally:
        server.close()


class ListRoute:
    """Offers targets in order, once each, and remembers what it was told."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.left = list(targets)
        self.told: list[tuple[str, Attempt]] = []

    async def pick(self) -> Target:
        if not self.left:
            raise ApiError(ErrorCode.NO_WORKER_AVAILABLE, "nobody")
        return self.left.pop(0)

    def release(self, target: Target, attempt: Attempt) -> None:
        self.told.append((target.label, attempt))


class ListRouter:
    def __init__(self, urls: Sequence[str]) -> None:
        self.urls = list(urls)
        self.routes: list[ListRoute] = []

    def route(self, _request: object, _scope: object) -> ListRoute:
        route = ListRoute([Target(url, f"target-{n}", {"x-worker-id": f"wrk-{n}"}) for n, url in enumerate(self.urls)])
        self.routes.append(route)
        return route

    @property
    def told(self) -> list[tuple[str, Attempt]]:
        return self.routes[-1].told


class RelayDaemon(Daemon):
    role = "hive"

    def __init__(self, urls: Sequence[str], durations: Durations) -> None:
        super().__init__(name="hive-1", config=DaemonConfig(durations=durations))
        self.router = ListRouter(urls)
        self.relay = Relay(self, self.router, lost=ErrorCode.WORKER_LOST)
        api = create_api(self, title="relay", description="")
        add_inference_routes(api, self.relay, self.cancel)
        self.app = finish(self, api)
        self.life = Life.SERVING
        self.url = ""

    def outcomes(self) -> dict[str, int]:
        return {str(outcome): count for outcome, count in self.metrics.outcomes.items() if count}


@asynccontextmanager
async def relay_to(*urls: str, durations: Durations = DURATIONS) -> AsyncIterator[RelayDaemon]:
    daemon = RelayDaemon(urls, durations)
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = HttpServer(daemon.app, listener)
    await server.start()
    async with PeerClient("127.0.0.1", durations) as peers:
        daemon.relay.session = peers.session
        daemon.url = f"http://127.0.0.1:{port}"
        try:
            yield daemon
        finally:
            await server.stop(handlers_s=0.2, flush_s=0.2)


@dataclass
class Client:
    """Sends chat requests to a relay."""

    http: httpx.AsyncClient

    async def ask(self, url: str, *, stream: bool = False, headers: dict[str, str] | None = None) -> httpx.Response:
        body = {"model": "tiny", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
        return await self.http.post(url + CHAT_PATH, json=body, headers=headers)

    @asynccontextmanager
    async def stream(self, url: str, headers: dict[str, str] | None = None) -> AsyncIterator[httpx.Response]:
        body = {"model": "tiny", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        async with self.http.stream("POST", url + CHAT_PATH, json=body, headers=headers) as response:
            yield response


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        yield Client(http)


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}, ensure_ascii=False).encode() + b"\n\n"


@pytest.fixture
def net() -> SimpleNamespace:
    """The builders above, for test modules: conftest cannot be imported."""
    return SimpleNamespace(serve=serve_script, relay_to=relay_to, event=event, durations=DURATIONS)
