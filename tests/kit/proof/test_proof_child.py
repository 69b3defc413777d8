"""Child runs: their command line, their bounds, and how they are ended; with small programs in behave's place."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading

import pytest

from beehave.proof import child
from beehave.proof.campaign import in_parallel, planted
from beehave.proof.catalog import Seed
from beehave.proof.child import Children, ScenarioSelection, StoppedError, end
from beehave.proof.command import with_durations
from beehave.proof.judgement import Mark
from beehave.proof.stand_ins import NULL
from beehave.settings import load_settings
from cluster.durations import Durations
from tests.waiting import until

A, B = "features/a.feature::It (really) holds", "features/b.feature::It breaks"


def name_option(selection: ScenarioSelection, tmp_path) -> str:
    command = selection.command(tmp_path)
    return command[command.index("--name") + 1]


def test_the_command_selects_exactly_these_scenarios(tmp_path):
    selection = ScenarioSelection([A, B], {"daemon.hive": "x y"})
    command = selection.command(tmp_path)
    assert command[3:5] == ["features/a.feature", "features/b.feature"]
    assert "daemon.hive=x y" in command
    assert f"run_folder={tmp_path}" in command
    assert "--tags" not in command
    pattern = re.compile(name_option(selection, tmp_path))
    assert [
        bool(pattern.search(name)) for name in ("It (really) holds", "It (really) holds -- @1.2 row", "It holds")
    ] == [
        True,
        True,
        False,
    ]


def test_a_scenario_of_the_night_is_let_in_and_has_more_time(tmp_path):
    day, night = ScenarioSelection([A]), ScenarioSelection([A], nightly=True)
    assert "--tags" in night.command(tmp_path)
    assert night.bound_s > day.bound_s
    assert ScenarioSelection([A, B]).bound_s == day.bound_s + child.SCENARIO_BOUND_S


@pytest.mark.parametrize(
    ("role", "key"), [("queen", "daemon.queen"), ("worker", "daemon.worker"), ("harness", "child.python")]
)
def test_where_a_seed_is_planted(role, key):
    seed = Seed("bad", role, (), ())
    launcher = ["{python}", "-m", "bugs.launcher", "{seed}", "{role}", "--"]
    assert planted(seed, launcher) == {key: f"'{{python}}' -m bugs.launcher bad {role} --"}


def stand_in(monkeypatch, program: str) -> None:
    """Let a child run be this program."""
    monkeypatch.setattr(
        ScenarioSelection, "command", lambda _self, folder: [sys.executable, "-c", program, str(folder)]
    )


def test_a_run_past_its_bound_is_ended(monkeypatch, tmp_path):
    stand_in(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(child, "START_BOUND_S", 0.2)
    monkeypatch.setattr(child, "SCENARIO_BOUND_S", 0.1)
    run = Children(tmp_path).run(ScenarioSelection([A]), tmp_path / "run")
    assert run.timed_out
    assert run.endings[A].mark is Mark.UNFINISHED


def test_a_run_that_ran_nothing_says_why(monkeypatch, tmp_path):
    stand_in(monkeypatch, "print('ConfigError: no such thing'); raise SystemExit(1)")
    run = Children(tmp_path).run(ScenarioSelection([A]), tmp_path / "run")
    assert (run.timed_out, run.complaint) == (False, "ConfigError: no such thing")
    assert run.endings[A].mark is Mark.UNFINISHED


STUBBORN = """
import signal, sys, threading
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
print("ready", flush=True)
while len(asked) < {times}:
    signal.sigtimedwait([], 0.01)
sys.exit(len(asked))
"""


@pytest.mark.parametrize(("times", "status"), [(1, 1), (2, 2), (99, -signal.SIGKILL)])
def test_ending_a_run_asks_twice_and_then_kills(monkeypatch, times, status):
    monkeypatch.setattr(child, "END_GRACE_S", 0.3)
    with subprocess.Popen([sys.executable, "-c", STUBBORN.format(times=times)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        end(process)
        assert process.returncode == status


def test_ending_all_ends_what_runs_and_begins_nothing(monkeypatch, tmp_path):
    stand_in(monkeypatch, "import sys, pathlib; pathlib.Path(sys.argv[1], 'on').touch(); import time; time.sleep(60)")
    children = Children(tmp_path)
    stopped = []

    def run() -> None:
        try:
            children.run(ScenarioSelection([A]), tmp_path / "run")
        except StoppedError:
            stopped.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    until((tmp_path / "run" / "on").exists, "it runs", impossible=lambda: None if thread.is_alive() else "it ended")
    children.end_all()
    thread.join(10)
    assert stopped == [True]
    with pytest.raises(StoppedError):
        children.run(ScenarioSelection([A]), tmp_path / "another")


def test_jobs_run_side_by_side_and_the_first_error_ends_them():
    both = threading.Barrier(2, timeout=10)

    def meet(job: int) -> int:
        both.wait()
        return job

    assert sorted(in_parallel(meet, [1, 2], 2)) == [1, 2]

    def fail(job: int) -> int:
        raise StoppedError(job)

    with pytest.raises(StoppedError):
        list(in_parallel(fail, [1, 2, 3], 1))


def test_a_real_run_is_read_from_its_journal(pytestconfig, tmp_path):
    root = pytestconfig.rootpath
    project = tmp_path / "project"
    shutil.copytree(root / "tests/projects/verdicts", project)
    for name in ("pyproject.toml", "beehave.toml", "tests/projects/environment.py"):
        shutil.copy(root / name, project)
    evidence = "features/evidence.feature"
    names = [f"{evidence}::a Then that looks and asserts", f"{evidence}::a Then that remembers"]
    run = Children(project).run(ScenarioSelection(names), project / "reports" / "proof" / "run")
    assert {name: ending.mark for name, ending in run.endings.items()} == {names[0]: Mark.GREEN, names[1]: Mark.RED}
    assert "made no observation" in run.endings[names[1]].message
    assert run.endings[names[1]].step_type == "then"
    assert not (project / "reports" / "last").exists(), "its reports are its caller's to place"


def test_stand_ins_replace_every_daemon_and_wait_less(pytestconfig):
    settings = load_settings(pytestconfig.rootpath, {})
    options = NULL.options(settings)
    assert options["daemon.worker"] == "'{python}' -m bugs.null worker --"
    assert set(options) == {"daemon.queen", "daemon.hive", "daemon.worker"}
    less = with_durations(settings.proof.stand_in_durations)
    durations = load_settings(pytestconfig.rootpath, less, durations=Durations).durations
    assert durations.start_up_ms == settings.proof.stand_in_durations["start_up_ms"]
    assert durations.heartbeat_ms == 500
