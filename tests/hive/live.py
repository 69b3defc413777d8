"""A real hive process with small workers, for the tests that kill things."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from daemons.common.process import is_same_process
from daemons.hive.refs import model_path
from daemons.hive.store import Store, StoredModel
from tests.waiting import PATIENCE_S, until

SMALL_WORKER = Path(__file__).with_name("small_worker.py")
DURATIONS = {
    "heartbeat_ms": 100,
    "lease_ms": 400,
    "orphan_grace_ms": 10_000,  # a hive that starts again on a busy machine must find its workers; as above
    "probe_ms": 100,
    "probe_timeout_ms": 300,
    "probe_strikes": 2,
    "drain_ms": 400,
    "kill_grace_ms": 400,
    "start_up_ms": 10_000,  # the machine may be busy; the tests of this bound set their own
    "restart_backoff_ms": 20,
    "restart_backoff_cap_ms": 100,
    "breaker_restarts": 3,
    "download_backoff_ms": 1,
    "download_stall_ms": 500,
}
REAL_WORKER = [sys.executable, "-m", "daemons.worker"]


def model_bytes(ref: str = "tiny:1b", size: int = 4_096) -> bytes:
    """A model file: header length, header, data, as a real worker reads it."""
    header = {
        "__metadata__": {"ref": ref, "memory_bytes": str(size)},
        "weights": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]},
    }
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + bytes(size)


class LiveHive:
    """A hive over one folder; `start` again after its end to see what the next one makes of what is left."""

    def __init__(self, folder: Path, *flags: str, command: list[str] | None = None, **durations: int) -> None:
        self.folder = folder / "data"
        self.log = folder / "hive.log"
        worker = [sys.executable, str(SMALL_WORKER)] if command is None else command
        self._flags = ["--hive_id", "h", "--data_dir", str(self.folder), "--worker.command", json.dumps(worker), *flags]
        for name, value in (DURATIONS | durations).items():
            self._flags += [f"--durations.{name}", str(value)]
        self.port = 0
        self.entry = [sys.executable, "-m", "daemons.hive"]
        self.child: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(timeout=5)

        asyncio.run(self._seed())

    async def _seed(self) -> None:
        """Put the model `tiny:1b` into the catalog, as an earlier pull would have."""
        content = model_bytes()
        path = model_path(self.folder / "models", "tiny:1b")
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        store = Store(self.folder / "hive.sqlite3")
        await store.open()
        await store.save_model(StoredModel("tiny:1b", len(content), hashlib.sha256(content).hexdigest(), created=1))
        await store.close()

    # Its life.

    def start(self) -> LiveHive:
        """Start it, on the port that it had before if any, and wait until it is ready."""
        self._began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            argv = [*self.entry, "--listen.port", str(self.port), *self._flags]
            self.child = subprocess.Popen(argv, stderr=log, stdin=subprocess.DEVNULL)
        self.port = self.wait(lambda: next(iter(self.events("listening")), {}).get("port"), "listening")
        self.wait(lambda: self.get("/ready").status_code == 200, "ready")
        return self

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def kill(self) -> None:
        """SIGKILL: its workers live on."""
        assert self.child is not None
        self.child.kill()
        self.child.wait()

    def stop(self) -> int:
        """SIGTERM; returns its exit status."""
        assert self.child is not None
        self.child.terminate()
        return self.child.wait(PATIENCE_S)

    def clean_up(self) -> None:
        """End what is left, each process by its identity."""
        if self.child is not None and self.child.poll() is None:
            self.kill()
        self.client.close()
        # Read once the hive is dead: it may have been starting one. One that it could not log any more ends itself.
        for pid, ticks in [(row["pid"], row["start_ticks"]) for row in self.started()]:
            if is_same_process(pid, ticks):
                os.kill(pid, signal.SIGKILL)

    # What it is asked, and says.

    def get(self, path: str) -> httpx.Response:
        return self.client.get(f"http://127.0.0.1:{self.port}{path}")

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        return self.client.request(method, f"http://127.0.0.1:{self.port}{path}", json=body)

    def spawn(self, worker_id: str, **more: Any) -> httpx.Response:
        return self.ask("POST", "/v1/workers", {"id": worker_id, "model": "tiny:1b", **more})

    def row(self, worker_id: str) -> dict[str, Any] | None:
        answer = self.get(f"/v1/workers/{worker_id}")
        return answer.json() if answer.status_code == 200 else None

    def state(self, worker_id: str) -> str | None:
        row = self.row(worker_id)
        return row["state"] if row else None

    def until(self, worker_id: str, state: str | None) -> dict[str, Any]:
        """Wait until the worker's row has this state (None: until it is gone), and return the row."""
        self.wait(lambda: self.state(worker_id) == state, f"{worker_id} {state}")
        return self.row(worker_id) or {}

    def ready(self, worker_id: str, **more: Any) -> dict[str, Any]:
        """Spawn a worker, and return its row once it is ready."""
        assert self.spawn(worker_id, **more).status_code == 202
        return self.until(worker_id, "ready")

    def events(self, event: str) -> list[dict[str, Any]]:
        """The log lines of this event, of the present process."""
        lines = self.log.read_bytes()[self._began :].splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"\n")]
        return [record for record in records if record["event"] == event]

    def started(self) -> list[dict[str, Any]]:
        """Every worker process that any of the hives over this folder has started."""
        if not self.log.exists():
            return []
        lines = self.log.read_bytes().splitlines()
        records = [json.loads(line) for line in lines if b'"worker_started"' in line]
        return [record for record in records if record["event"] == "worker_started"]

    def metric(self, name: str) -> float:
        """The value of one sample, named with its labels as in the exposition."""
        lines = self.get("/metrics").text.splitlines()
        return float(next(line for line in lines if line.startswith(name + " ")).split()[-1])

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until `condition` is true; fail early when the hive is dead, with its last lines."""

        def look() -> Any:
            with suppress(httpx.TransportError):
                return condition()

        def died() -> str | None:
            if self.child is None or self.child.poll() is None:
                return None
            lines = [line for line in self.log.read_text().splitlines() if '"event": "request"' not in line]
            return "\n".join(["the hive has ended", *lines[-15:]])

        return until(look, what, impossible=died)
