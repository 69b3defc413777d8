"""What a hive does with processes of an earlier hive: its own workers, dead ones, frozen ones, reused PIDs."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from daemons.common.process import is_same_process, start_ticks


def edit(hive, statement: str, *values: object) -> None:
    """Change the rows of a hive that does not run."""
    connection = sqlite3.connect(hive.folder / "hive.sqlite3")
    with connection:
        connection.execute(statement, values)
    connection.close()


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is no worker."""
    with subprocess.Popen([sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=-1) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


SLOW_TO_FIND_ALLOCATIONS = """
import asyncio, runpy, sys
from daemons.hive.workers.placement import Placement
find = Placement.find
async def late(self, model):
    await asyncio.sleep(0.5)
    await find(self, model)
Placement.find = late
runpy.run_module("daemons.hive", run_name="__main__", alter_sys=True)
"""
"""A hive that takes five heartbeats to find the allocation of a worker that it is about to adopt."""


def test_a_worker_that_leases_while_it_is_being_adopted_is_not_disowned(hive):
    before = hive.ready("polite")
    hive.kill()
    hive.entry = [sys.executable, "-c", SLOW_TO_FIND_ALLOCATIONS]
    hive.start()
    hive.until("polite", "ready")
    assert (hive.row("polite") or {})["pid"] == before["pid"]
    assert not hive.events("lease_refused")


def test_the_end_of_an_adopted_worker_is_seen_at_once_and_it_comes_back(hive):
    row = hive.ready("polite")
    hive.kill()
    hive.start()
    os.kill(row["pid"], signal.SIGKILL)
    hive.wait(lambda: (hive.row("polite") or {}).get("restarts") == 1, "a restart")
    (ended,) = hive.events("worker_exited")
    assert (ended["pid"], ended["adopted"], ended["exit_status"], ended["signal"]) == (row["pid"], True, None, None)
    assert hive.until("polite", "ready")["instance"] != row["instance"]


def test_an_adopted_worker_can_be_stopped_and_killed(hive):
    rows = [hive.ready("polite"), hive.ready("stubborn")]
    hive.kill()
    hive.start()
    for row in rows:
        hive.ask("DELETE", f"/v1/workers/{row['id']}")
    for row in rows:
        hive.until(row["id"], None)
    hive.wait(lambda: not any(is_same_process(row["pid"], row["start_ticks"]) for row in rows), "both gone")


def test_a_worker_that_died_without_a_hive_is_a_crash(hive):
    row = hive.ready("polite")
    hive.kill()
    os.kill(row["pid"], signal.SIGKILL)
    hive.start()
    after = hive.wait(lambda: hive.state("polite") == "ready" and hive.row("polite"), "a new process")
    assert (after["restarts"], after["pid"] != row["pid"]) == (1, True)


def test_a_stop_that_the_hive_did_not_live_to_see_is_finished(make_hive):
    hive = make_hive(kill_grace_ms=10_000).start()
    row = hive.ready("stubborn")
    hive.ask("DELETE", "/v1/workers/stubborn")
    hive.wait(lambda: rows_of(hive) == [("stubborn", 1)], "the stop on disk")
    hive.kill()
    os.kill(row["pid"], signal.SIGKILL)
    hive.start()
    hive.until("stubborn", None)


def test_a_living_worker_whose_stop_was_under_way_is_stopped_still(make_hive):
    hive = make_hive(kill_grace_ms=1_000).start()
    row = hive.ready("stubborn")
    hive.ask("DELETE", "/v1/workers/stubborn")
    hive.wait(lambda: rows_of(hive) == [("stubborn", 1)], "the stop on disk")
    hive.kill()
    hive.start()
    hive.until("stubborn", None)
    assert not is_same_process(row["pid"], row["start_ticks"])


def rows_of(hive) -> list[tuple[str, int]]:
    connection = sqlite3.connect(f"file:{hive.folder / 'hive.sqlite3'}?mode=ro", uri=True)
    try:
        return [tuple(row) for row in connection.execute("SELECT id, stopping FROM workers")]
    finally:
        connection.close()


@pytest.mark.parametrize("ticks", ["its own", "the worker's"])
def test_a_stranger_under_the_pid_of_a_worker_is_never_touched(make_hive, stranger, ticks):
    """Even when the row has its start time: without the instance and the command line it is not ours."""
    hive = make_hive(orphan_grace_ms=800).start()
    row = hive.ready("polite")
    hive.kill()
    os.kill(row["pid"], signal.SIGKILL)
    edit(hive, "UPDATE workers SET pid = ?", stranger.pid)
    if ticks == "its own":
        edit(hive, "UPDATE workers SET start_ticks = ?", start_ticks(stranger.pid))
    hive.start()
    after = hive.wait(lambda: hive.state("polite") == "ready" and hive.row("polite"), "a new process")
    assert after["pid"] != stranger.pid
    assert stranger.poll() is None
    assert hive.events("worker_killed") == []


def test_rows_of_another_boot_are_dead_whatever_their_pids_say(hive):
    row = hive.ready("polite")
    hive.kill()
    edit(hive, "UPDATE workers SET boot_id = 'another boot'")
    hive.start()
    after = hive.wait(lambda: hive.state("polite") == "ready" and hive.row("polite"), "a new process")
    assert after["pid"] != row["pid"]
    hive.wait(lambda: not psutil.pid_exists(row["pid"]), "the old one hears 410 and ends itself")


def test_a_frozen_worker_that_wakes_in_time_is_adopted(hive):
    row = hive.ready("polite")
    os.kill(row["pid"], signal.SIGSTOP)
    hive.kill()
    hive.start()
    waiting = hive.row("polite")
    assert waiting is not None
    assert (waiting["state"], waiting["reason"]) == ("starting", "adopting")
    os.kill(row["pid"], signal.SIGCONT)
    after = hive.until("polite", "ready")
    assert (after["pid"], after["instance"], after["restarts"]) == (row["pid"], row["instance"], 0)


def test_a_frozen_worker_that_never_wakes_is_killed_by_its_identity_and_replaced(make_hive):
    hive = make_hive(orphan_grace_ms=800).start()
    row = hive.ready("polite")
    os.kill(row["pid"], signal.SIGSTOP)
    hive.kill()
    hive.start()
    after = hive.until("polite", "ready")
    assert after["pid"] != row["pid"]
    (killed,) = hive.events("worker_killed")
    assert (killed["pid"], killed["start_ticks"]) == (row["pid"], row["start_ticks"])
    assert killed["reason"] == "adoption_unproven"


def test_a_spawn_whose_pid_was_not_written_any_more_is_found_by_its_lease(hive):
    row = hive.ready("polite")
    hive.kill()
    edit(hive, "UPDATE workers SET pid = NULL, start_ticks = NULL, boot_id = NULL, port = NULL, state = 'starting'")
    hive.start()
    after = hive.until("polite", "ready")
    assert (after["pid"], after["instance"], after["restarts"]) == (row["pid"], row["instance"], 0)
    assert len(hive.started()) == 1


def test_a_spawn_that_never_came_to_be_is_made_up_for(hive):
    row = hive.ready("polite")
    hive.kill()
    os.kill(row["pid"], signal.SIGKILL)
    edit(hive, "UPDATE workers SET pid = NULL, start_ticks = NULL, boot_id = NULL, port = NULL, state = 'starting'")
    hive.start()
    assert hive.until("polite", "ready")["pid"] != row["pid"]


def test_a_failed_row_stays_failed(hive):
    hive.spawn("misread")
    before = hive.until("misread", "failed")
    hive.kill()
    hive.start()
    assert hive.row("misread") == before
    assert len(hive.started()) == 1


def test_a_second_hive_in_the_same_folder_refuses(hive):
    hive.ready("polite")
    flags = [*hive._flags, "--listen.port", "0"]
    argv = [sys.executable, "-m", "daemons.hive", *flags]
    other = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=15)
    assert other.returncode == 5
    assert "in use by another hive" in other.stderr.splitlines()[-1]
    assert hive.state("polite") == "ready"
