"""A scripted model hub: it breaks, stalls, sends wrong bytes, or serves."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from daemons.hive.changes import Changes

CONTENT = bytes(range(256)) * 1_024  # 256 KiB


@dataclass
class ScriptedHub:
    """Serves one model; each entry of `script` says how the next file request goes, then all go well.

    `cut N`: break the connection at byte N of the file · `stall N`: send nothing after byte N · `status N` ·
    `wrong`: other bytes of the same length · `whole`: ignore the range · `short N`: end in order at byte N ·
    `elsewhere`: a range that was not asked for.
    """

    ref: str = "tiny:1b"
    content: bytes = CONTENT
    script: list[str] = field(default_factory=list)
    metadata_status: int = 200
    announced: dict[str, object] = field(default_factory=dict)
    requests: list[dict[str, str]] = field(default_factory=list)
    """The headers of each file request."""
    url: str = ""
    arrived: Callable[[], int] = lambda: 1 << 62
    """How many bytes the hive says that it has; `changes` wakes those who wait for it."""
    changes: Changes = field(default_factory=Changes)
    proceed: asyncio.Event = field(default_factory=asyncio.Event)
    """`hold N` waits for this at byte N."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def starts(self) -> list[int]:
        """The first byte that each file request asked for."""
        ranges = [headers.get("range", "bytes=0-") for headers in self.requests]
        return [int(each.removeprefix("bytes=").rstrip("-")) for each in ranges]

    async def metadata(self, request: web.Request) -> web.Response:
        if request.match_info["ref"] != self.ref:
            return web.json_response({"error": "no such model"}, status=404)
        if self.metadata_status != 200:
            return web.Response(status=self.metadata_status)
        about = {"ref": self.ref, "size_bytes": len(self.content), "sha256": self.sha256}
        return web.json_response(about | self.announced)

    async def file(self, request: web.Request) -> web.StreamResponse:
        self.requests.append({key.lower(): value for key, value in request.headers.items()})
        what, _, number = (self.script.pop(0) if self.script else "serve").partition(" ")
        if what == "status":
            return web.Response(status=int(number))
        content = self.content if what != "wrong" else bytes(len(self.content))
        start = self.starts[-1] if what != "whole" else 0
        etag = f'"{self.sha256}"'
        if request.headers.get("If-Range", etag) != etag:
            start = 0
        response = web.StreamResponse(status=206 if start else 200, headers={"ETag": etag})
        stop = int(number) if what == "short" else len(content)
        if start:
            shown = 0 if what == "elsewhere" else start
            response.headers["Content-Range"] = f"bytes {shown}-{len(content) - 1}/{len(content)}"
        if what == "short":
            response.enable_chunked_encoding()
        else:
            response.content_length = stop - start
        await response.prepare(request)
        until = int(number) if what in ("cut", "stall", "hold") else stop
        await response.write(content[start:until])
        if what == "cut":
            # Bytes that its HTTP client has read and not handed out are lost with the connection: let them arrive.
            await self.changes.until(lambda: self.arrived() >= until, within_ms=5_000)
            assert request.transport is not None
            request.transport.close()
            return response
        if what == "stall":
            await asyncio.Event().wait()
        if what == "hold":
            await self.proceed.wait()
            await response.write(content[until:stop])
        await response.write_eof()
        return response


@asynccontextmanager
async def serving(hub: ScriptedHub) -> AsyncIterator[ScriptedHub]:
    """The hub on a port of its own."""
    app = web.Application()
    app.add_routes([web.get("/models/{ref}", hub.metadata), web.get("/models/{ref}/file", hub.file)])
    runner = web.AppRunner(app, shutdown_timeout=0.05, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield hub
    finally:
        await runner.cleanup()
