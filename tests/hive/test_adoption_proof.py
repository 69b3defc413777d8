"""What proves that a process is the worker of a stored row, and what does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemons.common.process import boot_id, start_ticks
from daemons.common.wire import RestartPolicy, WorkerLease, WorkerState
from daemons.hive.store import StoredWorker
from daemons.hive.workers.adoption import Adoption, Decision

CONFIG = Path("/nowhere/workers/w.toml")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose command line names the configuration file, as a worker's does."""
    argv = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)", "--config", str(CONFIG)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def row(process: subprocess.Popen[bytes] | None, **changes) -> StoredWorker:
    made = StoredWorker(
        id="w",
        model="tiny:1b",
        slots=2,
        restart=RestartPolicy.ALWAYS,
        token_interval_ms=0,
        state=WorkerState.READY,
        reason=None,
        detail=None,
        restarts=0,
        stopping=False,
        instance="mine",
        spawned=True,
        pid=process.pid if process else None,
        start_ticks=start_ticks(process.pid) if process else None,
        boot_id=boot_id(),
        port=4000,
    )
    return replace(made, **changes)


def lease(process: subprocess.Popen[bytes], instance: str = "mine", **changes) -> WorkerLease:
    values = {
        "instance": instance,
        "pid": process.pid,
        "start_ticks": start_ticks(process.pid),
        "port": 4000,
        "state": "ready",
        "slots_total": 2,
        "slots_busy": 0,
        "served_total": 0,
        "load_progress": 1.0,
    }
    return WorkerLease.model_validate(values | changes)


def test_health_with_the_instance_proves(child):
    adoption = Adoption(row(child), CONFIG)
    assert adoption.judge() is Decision.AWAIT_PROOF
    adoption.answered("mine", child.pid)
    assert adoption.judge() is Decision.ADOPT


def test_health_of_another_process_at_that_port_proves_nothing(child):
    adoption = Adoption(row(child), CONFIG)
    adoption.answered("mine", child.pid + 1)
    adoption.answered("another", child.pid)
    assert adoption.judge() is Decision.AWAIT_PROOF


def test_a_lease_proves(child):
    adoption = Adoption(row(child), CONFIG)
    assert not adoption.introduce(lease(child, "another"))
    assert adoption.introduce(lease(child))
    assert adoption.judge() is Decision.ADOPT


@pytest.mark.parametrize("change", [{"start_ticks": 1}, {"boot_id": "another boot"}])
def test_a_reused_pid_is_a_stranger(child, change):
    adoption = Adoption(row(child, **change), CONFIG)
    assert adoption.process is None
    assert adoption.judge() is Decision.CRASHED
    assert adoption.judge(waited=True) is Decision.CRASHED


def test_a_mute_worker_of_ours_is_killed_and_a_mute_stranger_is_not(child):
    assert Adoption(row(child), CONFIG).judge(waited=True) is Decision.KILL
    assert Adoption(row(child), Path("/another/w.toml")).judge(waited=True) is Decision.CRASHED


def test_a_dead_process_is_a_crash_or_a_stop_that_is_complete(child):
    adoptions = Adoption(row(child), CONFIG), Adoption(row(child, stopping=True), CONFIG)
    child.kill()
    child.wait()
    assert [adoption.judge() for adoption in adoptions] == [Decision.CRASHED, Decision.REMOVE]


def test_a_worker_without_a_pid_on_record_introduces_itself(child):
    adoption = Adoption(row(None), CONFIG)
    assert adoption.judge() is Decision.AWAIT_PROOF
    assert adoption.introduce(lease(child))
    assert adoption.judge() is Decision.ADOPT
    assert adoption.process is not None
    assert adoption.process.pid == child.pid


def test_nobody_else_introduces_himself_as_it(child):
    adoption = Adoption(row(None), Path("/another/w.toml"))
    assert not adoption.introduce(lease(child)), "the command line does not name the file"
    assert not Adoption(row(None), CONFIG).introduce(lease(child, start_ticks=1)), "no such process"
    assert not Adoption(row(None, spawned=False), CONFIG).introduce(lease(child)), "none was ever spawned"
