"""A cluster without daemons: one HTTP server answers for queen, hive and worker, and their processes sleep."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from beehave.addresses import Address, AddressBook
from beehave.daemons import Daemons
from beehave.journal import Journal
from beehave.process.table import ProcessTable
from beehave.settings import load_settings
from beehave.world import ScenarioInfo
from cluster.durations import Durations
from cluster.world import World

PROJECT = Path(__file__).parents[2]
SLEEP = ["sleep", "60"]
MODEL = "tiny:1b"
BOUNDS_MS = {"start_up_ms": 60, "deadline_ms": 60, "lease_ms": 30, "heartbeat_ms": 10, "drain_ms": 10} | {
    "kill_grace_ms": 10, "orphan_grace_ms": 10, "probe_ms": 10, "probe_timeout_ms": 10, "idle_stop_ms": 20,
    "between_tokens_ms": 20,
}  # fmt: skip


HURRY = 100
"""By how much the clock of conditions runs faster: most are waited for in vain here."""


class Answers(BaseHTTPRequestHandler):
    """Answers as a cluster with one hive and one worker does, whoever is asked."""

    protocol_version = "HTTP/1.1"
    row: dict[str, Any]
    """The worker."""

    def do_GET(self) -> None:
        hive = {"id": "hive-1", "instance": "h1", "state": "available", "models": [MODEL], "pid": 1, "devices": []}
        health = {"status": "ok", "reasons": [], "role": "worker", "name": self.row["id"], "slots_busy": 0}
        health |= {"slots_total": 4, "requests_running": 1, "instance": "w1", "state": "ready", "version": "1"}
        health |= {"pid": self.row["pid"], "start_ticks": self.row["start_ticks"]}
        path = self.path.partition("?")[0]
        known = {
            "/v1/workers": {"workers": [self.row]},
            f"/v1/workers/{self.row['id']}": self.row,
            "/v1/hives": {"hives": [hive]},
            "/v1/hives/hive-1": hive,
            "/v1/devices": {"devices": []},
            "/v1/models": {"data": []},
            "/health": health | {"database": {"up": True, "writes_waiting": 0}},
            "/counts": {},
            "/openapi.json": {"paths": {}},
        }
        if path == "/metrics":
            self._send(200, "", "text/plain")
        elif path == "/v1/events":
            self._send(200, ": heartbeat\n\n", "text/event-stream")
        elif path in known:
            self._send(200, json.dumps(known[path]))
        else:
            self._refuse(404, "not_found")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if body.get("model", MODEL) != MODEL:
            self._refuse(404, "model_not_found")
        elif self.path != "/v1/chat/completions":
            self._send(202, json.dumps(self.row))
        elif body.get("stream"):
            chunks = [json.dumps({"choices": [{"delta": {"content": f"{number} "}}]}) for number in range(12)]
            self._send(200, "".join(f"data: {chunk}\n\n" for chunk in [*chunks, "[DONE]"]), "text/event-stream")
        else:
            self._send(200, json.dumps({"choices": [{"message": {"content": "0 1"}}]}))

    def do_PUT(self) -> None:
        self._send(200, "{}")

    def do_DELETE(self) -> None:
        self._send(202, json.dumps(self.row))

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, json.dumps({"error": {"code": code, "message": "", "request_id": "r1"}}))

    def _send(self, status: int, text: str, kind: str = "application/json") -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(text)), "X-Worker-Id": "w"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The world of a scenario whose queen, hive and worker are one HTTP server."""
    journal = Journal(tmp_path / "journal.ndjson")
    processes = ProcessTable(journal)
    book = AddressBook(private_network=True)
    userdata = {f"durations.{key}": str(value) for key, value in BOUNDS_MS.items()}
    settings = load_settings(PROJECT, userdata, durations=Durations)
    daemons = Daemons(settings, journal, tmp_path / "scenario", tmp_path / "shared", book, processes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = Address("127.0.0.1", server.server_port)
    for role, name in (("queen", "queen"), ("hive", "hive-1"), ("hub", "hub")):
        daemons.spawn_helper(role, name, SLEEP, address=address, ready="/health")
        daemons.daemon(name).config["data_dir"] = str(tmp_path / name)
    worker = processes.spawn("worker", "w", SLEEP, log_path=tmp_path / "w.log")
    assert worker.identity is not None
    row = {"id": "w", "instance": "w1", "pid": worker.pid, "start_ticks": worker.identity.start_ticks, "restarts": 0}
    row |= {"hive_id": "hive-1", "port": server.server_port, "state": "ready", "routable": True, "model": MODEL}
    Answers.row = row | {"slots_total": 4, "slots_busy": 0, "served_total": 0, "reason": None, "device": None}
    hurried = SimpleNamespace(monotonic=lambda: time.monotonic() * HURRY, sleep=lambda s: time.sleep(s / HURRY))
    monkeypatch.setattr("beehave.conditions.time", hurried)
    monkeypatch.setattr("cluster.clients.COUNT_TIMEOUT_S", 0.5)
    monkeypatch.setattr("cluster.partition.duplicate_delivery.DIAL_BOUND_S", 0.05)
    world = World(daemons, ScenarioInfo("a scenario", frozenset()), seed=1)
    yield world
    world.heal()
    world.hang_up()
    processes.stop_all(1.0)
    daemons.close()
    server.shutdown()
    server.server_close()
    journal.close()
