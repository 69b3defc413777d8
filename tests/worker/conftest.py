"""Real worker processes, model files to feed them, and a hive that only takes leases."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

CHAT = {"model": "tiny:1b", "messages": [{"role": "user", "content": "hello bees"}]}


@pytest.fixture
def anyio_backend() -> str:
    """The daemons run on asyncio."""
    return "asyncio"


@pytest.fixture
def model_file(tmp_path) -> Callable[..., Path]:
    """Write a model file; `header` replaces parts of a right one."""

    def write(data: bytes = bytes(range(256)) * 16, name: str = "tiny.safetensors", **header: Any) -> Path:
        whole = {
            "__metadata__": {"ref": "tiny:1b", "memory_bytes": str(len(data))},
            "weights": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]},
        } | header
        raw = json.dumps({key: value for key, value in whole.items() if value is not None}).encode()
        path: Path = tmp_path / name
        path.write_bytes(struct.pack("<Q", len(raw)) + raw + data)
        return path

    return write


class WorkerProcess:
    """A worker started by hand; its log lines are read as they come."""

    def __init__(self, flags: list[str]) -> None:
        argv = [sys.executable, "-m", "daemons.worker", *flags]
        self.child = subprocess.Popen(argv, stderr=subprocess.PIPE)
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.child.stderr
        for line in self.child.stderr:
            with self._changed:
                self.lines.append(line.decode())
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def wait_for(self, name: str, timeout_s: float = 30, count: int = 1) -> dict[str, Any]:
        """The `count`-th event of this name, failing early when the process ends first."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while True:
                found = [event for event in self.events if event["event"] == name]
                if len(found) >= count:
                    return found[count - 1]
                if not self._reader.is_alive() or not self._changed.wait(until - time.monotonic()):
                    raise AssertionError(f"no {name!r} in time; the log says:\n{''.join(self.lines[-20:])}")

    @property
    def url(self) -> str:
        listening = self.wait_for("listening")
        return f"http://{listening['host']}:{listening['port']}"

    def signal(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    def exit_status(self, timeout_s: float = 10) -> int:
        status = self.child.wait(timeout_s)
        self._reader.join(timeout_s)
        return status

    def last_words(self) -> list[str]:
        """The lines that are no log."""
        return [line for line in self.lines if not line.startswith("{")]

    def kill(self) -> None:
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.kill()
        self.exit_status()
        assert self.child.stderr
        self.child.stderr.close()


@pytest.fixture
def start(model_file) -> Iterator[Callable[..., WorkerProcess]]:
    """Start a worker with a right model, unless told otherwise: `start("--slots", "1")`."""
    started: list[WorkerProcess] = []

    def begin(*flags: str, model: Path | None = None) -> WorkerProcess:
        fast = ["--engine.token_interval_ms", "10", "--durations.flush_timeout_ms", "200"]
        process = WorkerProcess(["--model.path", str(model or model_file()), *fast, *flags])
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10, trust_env=False) as client:
        yield client


class LeaseHive:
    """Takes leases and answers as it is told; `down()` and `up()` make its port refuse and listen."""

    def __init__(self) -> None:
        self.leases: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0
        self.up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        hive = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                hive.took(self.path, body)
                answer = json.dumps({"lease_ms": 300, "hive_instance": "h"}).encode()
                self.send_response(hive.status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def took(self, path: str, lease: dict[str, Any]) -> None:
        with self._changed:
            self.paths.append(path)
            self.leases.append(lease)
            self._changed.notify_all()

    def wait_for(self, matches: Callable[[dict[str, Any]], bool], timeout_s: float = 10) -> dict[str, Any]:
        until = time.monotonic() + timeout_s
        with self._changed:
            while True:
                for lease in self.leases:
                    if matches(lease):
                        return lease
                if not self._changed.wait(max(0.0, until - time.monotonic())):
                    raise AssertionError(f"no such lease in time; the last ones: {self.leases[-5:]}")


@pytest.fixture
def hive() -> Iterator[LeaseHive]:
    made = LeaseHive()
    yield made
    made.down()


@pytest.fixture
def hive_flags(hive) -> list[str]:
    quick = {"heartbeat_ms": 100, "lease_ms": 300, "orphan_grace_ms": 600, "probe_timeout_ms": 200, "connect_ms": 200}
    flags = ["--worker_id", "wrk-1", "--instance", "inst-1", "--hive.url", hive.url]
    for name, value in quick.items():
        flags += [f"--durations.{name}", str(value)]
    return flags


def events_of(body: bytes) -> list[Any]:
    """The payloads of a stream's events; `[DONE]` as it is."""
    payloads = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]
    return [payload.decode() if payload == b"[DONE]" else json.loads(payload) for payload in payloads]


@pytest.fixture
def chat() -> dict[str, Any]:
    return dict(CHAT)


@pytest.fixture
def parse_events() -> Callable[[bytes], list[Any]]:
    return events_of
