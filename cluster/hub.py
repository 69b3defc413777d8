"""The model hub, one of the two doubles: a real HTTP server that serves model files made on this machine.

`python -m cluster.hub --config FILE`, where FILE is JSON: `{"host", "port", "folder", "models": {ref: bytes}}`.
It serves the part of a hub's API that hives use: metadata with size and SHA-256, and the file with Range and If-Range.
`GET /counts` returns how often each file was asked for, so that a scenario can count downloads.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import uuid
from collections import Counter
from pathlib import Path

# A scenario may end while the hub still imports; it ends with status 0 then too. run_app takes the signal over.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

from aiohttp import web  # noqa: E402

from cluster.model_files import file_name, write_model  # noqa: E402

CHUNK_BYTES = 1024 * 1024


class Hub:
    """Serves the models of one folder; a model is written when it is first asked for, since some are large."""

    def __init__(self, folder: Path, models: dict[str, int]) -> None:
        self._folder = folder
        self._sizes = models
        self._downloads: Counter[str] = Counter()
        self._digests: dict[str, str] = {}
        self._instance = str(uuid.uuid4())

    def app(self) -> web.Application:
        """Return the application with its routes."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/health", self.health),
                web.get("/counts", self.counts),
                web.get("/models/{ref}", self.metadata),
                web.get("/models/{ref}/file", self.file),
            ]
        )
        return app

    async def health(self, _: web.Request) -> web.Response:
        """Answer the readiness probe."""
        answer = {"status": "ok", "role": "hub", "pid": os.getpid(), "instance": self._instance}
        return web.json_response(answer)

    async def counts(self, _: web.Request) -> web.Response:
        """Return how often each file was asked for."""
        return web.json_response(dict(self._downloads))

    async def metadata(self, request: web.Request) -> web.Response:
        """Return size and SHA-256 of a model, 404 for one that the hub does not have."""
        path = self._find(request)
        ref = request.match_info["ref"]
        return web.json_response({"ref": ref, "size_bytes": path.stat().st_size, "sha256": self._digests[ref]})

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Return the bytes, or those from `Range` on when `If-Range` is absent or names this file's SHA-256.

        aiohttp's own FileResponse knows If-Range with dates only, and hives send the tag.
        """
        path = self._find(request)
        ref = request.match_info["ref"]
        size, tag = path.stat().st_size, f'"{self._digests[ref]}"'
        wanted = request.http_range if request.headers.get("If-Range", tag) == tag else slice(None)
        start, stop = wanted.start or 0, min(wanted.stop or size, size)
        if not 0 <= start < stop:
            raise web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
        partial = (start, stop) != (0, size)
        response = web.StreamResponse(status=206 if partial else 200, headers={"ETag": tag, "Accept-Ranges": "bytes"})
        response.content_length = stop - start
        if partial:
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        await response.prepare(request)
        if request.method == "GET":
            self._downloads[ref] += 1
            await self._send(response, path, start, stop)
        return response

    async def _send(self, response: web.StreamResponse, path: Path, start: int, stop: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            while start < stop:
                chunk = file.read(min(CHUNK_BYTES, stop - start))
                start += len(chunk)
                await response.write(chunk)
        await response.write_eof()

    def _find(self, request: web.Request) -> Path:
        ref = request.match_info["ref"]
        if ref not in self._sizes:
            raise web.HTTPNotFound(text=json.dumps({"error": "no such model"}), content_type="application/json")
        path = self._folder / file_name(ref)
        if ref not in self._digests:
            if not path.exists():
                write_model(path, ref, self._sizes[ref])
            with path.open("rb") as file:
                self._digests[ref] = hashlib.file_digest(file, "sha256").hexdigest()
        return path


def main() -> None:
    """Serve until a signal ends it; SIGTERM and SIGINT end it with status 0."""
    parser = argparse.ArgumentParser(description="The model hub of the suite")
    parser.add_argument("--config", type=Path, required=True, help="a JSON file: host, port, folder, models")
    config = json.loads(parser.parse_args().config.read_text(encoding="utf-8"))
    hub = Hub(Path(config["folder"]), config["models"])
    try:
        web.run_app(hub.app(), host=config["host"], port=config["port"], print=None, reuse_address=True)
    except OSError as error:
        where = f"{config['host']}:{config['port']}"
        sys.exit(f"hub: cannot listen on {where}: {error.strerror}. Another `beehave up` may be running: end that one")


if __name__ == "__main__":
    main()
