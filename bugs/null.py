"""`python -m bugs.null ROLE -- --config FILE`: a daemon that does nothing, and answers 200 `{}` to everything.

Only /health is truthful (which process it is), or the harness would not believe that it has started, and no scenario
would come to a `Then`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tomllib
import uuid
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bugs.seed import DAEMONS

USAGE = f"usage: python -m bugs.null {{{'|'.join(DAEMONS)}}} -- --config FILE"


def handler_for(health: dict[str, Any]) -> type[BaseHTTPRequestHandler]:
    """Return a handler that says this of itself, and nothing of anything else."""

    class Null(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps(health if self.path == "/health" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Null


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM, and leave with 0."""
    if len(arguments) != 4 or arguments[0] not in DAEMONS or list(arguments[1:3]) != ["--", "--config"]:
        sys.exit(USAGE)
    role, _, _, path = arguments
    listen = tomllib.loads(Path(path).read_text(encoding="utf-8"))["listen"]
    health = {"status": "ok", "role": role, "name": role, "instance": str(uuid.uuid4()), "pid": os.getpid()}
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with ThreadingHTTPServer((listen["host"], listen["port"]), handler_for(health)) as server:
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
