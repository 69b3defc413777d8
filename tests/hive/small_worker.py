"""A worker as small as it can be, to be run by a real hive: it leases, answers /health, and misbehaves by its name.

The word before the first dash of its id says how: `polite` ends at SIGTERM; `stubborn` ignores it; `drains` says that
it drains and then never ends; `mute` never leases; `loads` says for ever that it loads, with progress; `dies` crashes
once it was ready; `corrupt` exits with 4 and a last word; `misread` exits with 2.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import tomllib
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

config = tomllib.loads(Path(sys.argv[sys.argv.index("--config") + 1]).read_text())
manner = config["worker_id"].partition("-")[0]
if manner == "corrupt":
    sys.stderr.write(f"worker: the model file {config['model']['path']} is corrupt: no header\n")
    sys.exit(4)
if manner == "misread":
    sys.stderr.write("worker: bad configuration\n")
    sys.exit(2)
stat = Path("/proc/self/stat").read_bytes()
start_ticks = int(stat[stat.rindex(b")") + 2 :].split()[19])
ALONE_S = 30
"""When a test left it behind; far above the time that a hive needs to come back, on a busy machine too."""
state = "loading"
leased_at = time.monotonic()
end = threading.Event()
news = threading.Event()


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"instance": config["instance"], "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer((config["listen"]["host"], 0), Answers)
threading.Thread(target=server.serve_forever, daemon=True).start()


def lease() -> None:
    body = {
        "instance": config["instance"],
        "pid": os.getpid(),
        "start_ticks": start_ticks,
        "port": server.server_address[1],
        "state": state,
        "slots_total": config["slots"],
        "slots_busy": 0,
        "served_total": 0,
        "load_progress": 0.5 if state == "loading" else 1.0,
    }
    url = f"{config['hive']['url']}/v1/workers/{config['worker_id']}/lease"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"}, method="PUT")
    global leased_at  # noqa: PLW0603 a program of one page
    try:
        with urllib.request.urlopen(request, timeout=1):
            leased_at = time.monotonic()
    except urllib.error.HTTPError as error:
        if error.code == 410:
            os._exit(6)
    except OSError:
        if time.monotonic() - leased_at > ALONE_S:
            os._exit(6)


def on_term(*_: object) -> None:
    global state  # noqa: PLW0603 a program of one page
    if manner == "stubborn":
        return
    state = "draining"
    news.set()
    if manner != "drains":
        end.set()


signal.signal(signal.SIGTERM, on_term)
sys.stderr.write("up\n")
if manner == "mute":
    signal.pause()
lease()
if manner != "loads" and state == "loading":
    state = "ready"
while not end.is_set():
    lease()
    if manner == "dies":
        os._exit(1)
    news.wait(config["durations"]["heartbeat_ms"] / 1000)
    news.clear()
lease()
