"""What the table knows of the processes that it started, and what it says of how they ended."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.identity import descendants
from beehave.journal import read
from beehave.process.table import ManagedProcess, ProcessTable

READY = "import sys, time; print('ready', flush=True); "
OBEDIENT = "import signal; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); " + READY + "time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY + "time.sleep(60)"


@pytest.fixture
def table(journal):
    table = ProcessTable(journal)
    yield table
    for process in table.all():
        table.kill(process, why="end of test")


def start(table: ProcessTable, tmp_path: Path, program: str) -> ManagedProcess:
    process = table.spawn("daemon", "d", [sys.executable, "-c", program], log_path=tmp_path / "d.log")
    eventually(process.journal, "it is ready", process.log_lines, lambda lines: "ready" in lines, within_s=10)
    return process


def test_an_obedient_process_ends_without_a_problem(table, tmp_path):
    process = start(table, tmp_path, OBEDIENT)
    assert process.alive()
    assert table.stop_all(5) == []
    assert process.exit_status == 0
    assert table.unexpected_deaths() == []


def test_a_stubborn_process_is_killed_and_named(table, tmp_path):
    process = start(table, tmp_path, STUBBORN)
    (problem,) = table.stop_all(0.2)
    assert "did not end within 0.2 s of SIGTERM" in problem
    assert str(process.pid) in problem
    assert process.exit_status == -signal.SIGKILL


def test_a_process_that_dies_by_itself_is_a_problem_with_its_last_lines(table, tmp_path):
    process = start(table, tmp_path, READY + "print('out of ideas', flush=True); sys.exit(3)")
    assert process.wait(10) == 3
    (death,) = table.unexpected_deaths()
    assert "died although no step ended it" in death
    assert "exited 3" in death
    assert "out of ideas" in death


def test_a_process_killed_by_a_step_is_no_problem_and_its_children_are_expected_orphans(table, tmp_path):
    parent = (
        READY
        + "import subprocess; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    )
    process = start(table, tmp_path, parent)
    (child,) = eventually(
        process.journal, "it has a child", lambda: descendants(process.pid), lambda found: len(found) == 1, within_s=10
    )
    table.kill(process, why="test")
    assert table.unexpected_deaths() == []
    assert table.expected_orphans == {child}
    assert child.alive()
    child.send(signal.SIGKILL)


def test_a_command_that_does_not_exist_says_where_to_look(table, tmp_path):
    with pytest.raises(HarnessError, match=r"cannot start daemon d: No such file.*'no-such-program'.*beehave.toml"):
        table.spawn("daemon", "d", ["no-such-program"], log_path=tmp_path / "d.log")
    assert table.all() == []


def test_everything_is_in_the_journal(table, journal, tmp_path):
    process = start(table, tmp_path, OBEDIENT)
    table.stop_all(5)
    events = [event for event in read(journal.path) if event["kind"] in {"process_started", "signal", "process_exited"}]
    assert [event["kind"] for event in events] == ["process_started", "signal", "process_exited"]
    assert {event["pid"] for event in events} == {process.pid}
    assert events[1]["signal"] == "SIGTERM"
    assert events[2]["expected"] is True
    assert events[0]["log"] == "d.log"  # no folder of this machine
