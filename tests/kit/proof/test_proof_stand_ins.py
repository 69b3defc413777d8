"""Products that are wrong on purpose, as processes: null, silent, and a harness with a seed in it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys

import httpx
import psutil
import pytest

from beehave.proof.judgement import Ending, Mark
from beehave.proof.stand_ins import CHUNK, chunks, tally
from beehave.toml_writer import write_toml
from tests.waiting import until

BOUND_S = 20.0


@pytest.fixture
def config(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = tmp_path / "daemon.toml"
    write_toml(path, {"data_dir": str(tmp_path / "data"), "listen": {"host": "127.0.0.1", "port": port}})
    return path, f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def started(module: str, path):
    process = subprocess.Popen(
        [sys.executable, "-m", module, "queen", "--", "--config", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def health_of(process, url: str) -> dict:
    def answer() -> dict | None:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{url}/health", timeout=2, trust_env=False).json()

    return until(answer, "it answers", within_s=BOUND_S, impossible=lambda: process.poll() and f"it ended: {process}")


def test_a_null_daemon_says_who_it_is_and_nothing_else(config):
    path, url = config
    with started("bugs.null", path) as process:
        told = health_of(process, url)
        assert (told["pid"], told["role"]) == (process.pid, "queen")
        for method, route in (("GET", "/v1/hives"), ("POST", "/v1/workers"), ("DELETE", "/v1/x"), ("PUT", "/v1/y")):
            answer = httpx.request(method, f"{url}{route}", json={"model": "tiny:1b"} if method == "POST" else None)
            assert (answer.status_code, answer.json()) == (200, {})
        process.terminate()
        assert process.wait(BOUND_S) == 0


def test_a_silent_daemon_freezes_when_it_has_said_that_it_is_ready(config):
    path, url = config
    with started("bugs.silent", path) as process:
        assert health_of(process, url)["pid"] == process.pid
        until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, "it is frozen", within_s=BOUND_S)


PROGRAM = "from beehave.runner.evidence import Evidence; import sys; print(Evidence().shortfall(), sys.argv[1:])"


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["forgets_evidence", "harness"], 0, "None ['--flag']"),
        (["forgets_evidence", "queen"], 70, "it is a bug of a harness, not of a queen"),
        (["taken_id_is_400", "harness"], 70, "it is a bug of a queen, not of a harness"),
        (["no_such_seed", "harness"], 70, "no seed 'no_such_seed'"),
        (["forgets_evidence", "drone"], 1, "usage: "),
    ],
)
def test_a_seed_is_planted_in_the_process_that_stands_in_for_the_interpreter(tmp_path, arguments, status, says):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    ended = subprocess.run(
        [sys.executable, "-m", "bugs.launcher", *arguments, "--", str(program), "--flag"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == status
    assert says in ended.stdout + ended.stderr


def test_the_tally_of_a_stand_in():
    endings = [
        Ending("a", Mark.GREEN),
        Ending("b", Mark.SKIPPED),
        Ending("c", Mark.RED, step_type="then"),
        Ending("d", Mark.START_UP, step_type="given"),
        Ending("e", Mark.BROKEN),
    ]
    assert tally(endings) == "1 green, 1 skipped, 3 failed (1 at a given, 1 at a start or end, 1 at a then)"
    assert tally([]) == "0 green, 0 skipped, 0 failed (none)"


def test_parts_are_of_one_feature_and_not_long():
    names = [*(f"a.feature::{number}" for number in range(CHUNK + 1)), "b.feature::x"]
    assert chunks(names) == [names[:CHUNK], [names[CHUNK]], ["b.feature::x"]]
