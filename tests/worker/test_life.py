"""The life of a worker process: start, drain, signals, and the ends that it has."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.waiting import until

URL = "/v1/chat/completions"


class Reading(threading.Thread):
    """Reads one long stream to its end, in the background."""

    def __init__(self, worker, body) -> None:
        super().__init__(daemon=True)
        self.begun = threading.Event()
        self.content = b""
        self._request = (worker.url + URL, body)
        self.start()
        assert self.begun.wait(5)

    def run(self) -> None:
        url, body = self._request
        headers = {"x-request-id": "abc"}
        with (
            contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError),  # a connection that was cut
            httpx.stream("POST", url, json=body, headers=headers, trust_env=False) as answer,
        ):
            for part in answer.iter_raw():
                self.content += part
                self.begun.set()


@pytest.fixture
def worker(start):
    process = start("--durations.drain_ms", "3000")
    process.wait_for("model_loaded")
    return process


def test_a_stop_waits_for_the_stream_and_refuses_what_is_new(worker, http, chat, parse_events):
    reading = Reading(worker, chat | {"stream": True, "max_tokens": 100})
    worker.signal(signal.SIGTERM)
    worker.wait_for("drain_began")
    refused = http.post(worker.url + URL, json=chat)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
    assert refused.headers["retry-after"] == "1"
    assert http.get(worker.url + "/health").json()["status"] == "draining"
    assert http.get(worker.url + "/ready").status_code == 503
    reading.join(5)
    assert parse_events(reading.content)[-1] == "[DONE]"
    assert len(parse_events(reading.content)) == 102
    assert worker.exit_status() == 0
    assert worker.last_words() == []


def test_a_stop_ends_what_does_not_end_by_itself(start, chat, parse_events):
    worker = start("--durations.drain_ms", "300")
    worker.wait_for("model_loaded")
    reading = Reading(worker, chat | {"stream": True, "max_tokens": 100_000})
    began = time.monotonic()
    worker.signal(signal.SIGINT)
    assert worker.exit_status() == 0
    assert 0.3 <= time.monotonic() - began < 1
    reading.join(1)
    error = parse_events(reading.content)[-1]["error"]
    assert (error["code"], error["request_id"]) == ("draining", "abc")
    assert b"[DONE]" not in reading.content


def test_a_reader_who_does_not_read_cannot_hold_a_stop_up(start, chat):
    worker = start("--durations.drain_ms", "200", "--engine.token_interval_ms", "0")
    worker.wait_for("model_loaded")
    with httpx.stream("POST", worker.url + URL, json=chat | {"stream": True, "max_tokens": 100_000}) as answer:
        parts = answer.iter_raw()
        assert next(parts)
        began = time.monotonic()
        worker.signal(signal.SIGTERM)
        assert worker.exit_status() == 0
    assert time.monotonic() - began < 1.5


def test_an_idle_worker_stops_at_once(worker):
    with httpx.Client(trust_env=False) as keeps_its_connection:
        keeps_its_connection.get(worker.url + "/health")
        began = time.monotonic()
        worker.signal(signal.SIGTERM)
        assert worker.exit_status() == 0
    assert time.monotonic() - began < 0.3


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_now(worker, chat, second):
    reading = Reading(worker, chat | {"stream": True, "max_tokens": 100_000})
    worker.signal(signal.SIGTERM)
    worker.wait_for("drain_began")
    worker.signal(second)
    assert worker.exit_status(1) == 128 + second
    assert worker.events[-1]["event"] == "stopped_at_once"
    reading.join(1)
    assert b"[DONE]" not in reading.content


def test_a_hangup_never_ends_it(worker, http):
    for count in range(1, 4):
        worker.signal(signal.SIGHUP)
        worker.wait_for("reloaded", count=count)
    assert http.get(worker.url + "/health").json()["status"] == "ok"


def ignores_hangups(pid: int) -> bool:
    """Whether the process has SIGHUP among its ignored signals: proc(5), a mask whose lowest bit is signal 1."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(mask, 16) & 1)


def test_signals_while_it_still_imports(start):
    for number, status in ((signal.SIGHUP, None), (signal.SIGTERM, 0)):
        worker = start()
        until(lambda pid=worker.child.pid: ignores_hangups(pid), "it guards its start, and the imports run")
        worker.signal(number)
        if status is None:
            worker.wait_for("model_loaded")
        else:
            assert worker.exit_status() == status


def test_reload_applies_what_it_can_and_refuses_a_bad_file(start, tmp_path, model_file, http):
    config = tmp_path / "worker.toml"
    text = f'[model]\npath = "{model_file()}"\n'
    config.write_text(text)
    worker = start("--config", str(config))
    worker.wait_for("model_loaded")
    config.write_text("slots = 'many'\n" + text)
    worker.signal(signal.SIGHUP)
    assert "slots: should be a valid integer" in worker.wait_for("reload_refused")["problems"][0]
    config.write_text("slots = 5\n[log]\nlevel = 'debug'\n" + text)
    worker.signal(signal.SIGHUP)
    reloaded = worker.wait_for("reloaded")
    assert (reloaded["applied"], reloaded["needs_restart"]) == (["log.level"], ["slots"])
    assert http.get(worker.url + "/health").json()["slots_total"] == 2


def test_it_answers_from_the_moment_it_says_so(start):
    worker = start()
    with socket.create_connection(tuple(worker.wait_for("listening")[key] for key in ("host", "port"))) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(15) == b"HTTP/1.1 200 OK"


def test_a_restart_on_the_same_port_works_at_once(start, http):
    first = start()
    http.get(first.url + "/health")
    port = first.wait_for("listening")["port"]
    first.signal(signal.SIGKILL)
    first.exit_status()
    second = start("--listen.port", str(port))
    assert second.wait_for("listening")["port"] == port


def test_a_taken_port(start):
    worker = start()
    port = str(worker.wait_for("listening")["port"])
    other = start("--listen.port", port)
    assert other.exit_status() == 3
    said = (
        f"worker: cannot listen on 127.0.0.1:{port}: address already in use. Stop the other process or choose another"
    )
    assert other.last_words() == [f"{said} --listen.port.\n"]


@pytest.mark.parametrize(
    ("host", "said"), [("192.0.2.1", "that address is not on this machine"), ("no.such.host.invalid", "unknown host")]
)
def test_an_address_of_somebody_else(start, host, said):
    worker = start("--listen.host", host)
    assert worker.exit_status() == 3
    assert [said in line for line in worker.last_words()] == [True]


@pytest.mark.parametrize(
    ("flags", "status", "said"),
    [
        (["--slots", "0", "--sltos", "1"], 2, "worker: bad configuration (2 errors): "),
        (["--config"], 2, "--config: a value is missing"),
        (["--model.ref", "other:1b"], 4, "is the file of model 'tiny:1b', expected 'other:1b'"),
        (["--model.path", "/nowhere/m"], 4, "worker: model file m: cannot be read: No such file"),
    ],
)
def test_what_it_cannot_start_with(start, flags, status, said):
    worker = start(*flags)
    assert worker.exit_status() == status
    assert len(worker.last_words()) == 1
    assert said in worker.last_words()[0]
    assert worker.events == []


def test_a_stop_while_it_loads(start, tmp_path, model_file):
    big = model_file(b"")
    size = 8 << 30
    big = model_file(b"", weights={"dtype": "U8", "shape": [size], "data_offsets": [0, size]})
    with big.open("r+b") as file:
        file.truncate(big.stat().st_size + size)  # sparse: it takes no disk, and seconds to read
    worker = start(model=big)
    with httpx.Client(base_url=worker.url, trust_env=False) as http:
        health = http.get("/health").json()
        refused = http.post(URL, json={"model": "tiny:1b", "messages": [{"role": "user", "content": "x"}]})
    assert health["state"] == "loading"
    assert 0 <= health["load_progress"] < 1
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "starting")
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert worker.exit_status() == 0
    assert time.monotonic() - began < 0.5


def test_it_lives_without_anybody_to_log_to(model_file):
    """stderr closed from the start, as some supervisors do: no line may cost more than itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    argv = [sys.executable, "-m", "daemons.worker", "--model.path", str(model_file()), "--listen.port", str(port)]
    shell = ["sh", "-c", 'exec "$@" 2>&-', "sh", *argv]
    with subprocess.Popen(shell) as child:
        try:
            until(lambda: answers(f"http://127.0.0.1:{port}/ready"), "it is ready")
            child.send_signal(signal.SIGTERM)
            assert child.wait(5) == 0
        finally:
            child.kill()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.ConnectError:
        return False
