"""Memory that is taken away: each fault's effect measured, and seen to be missing when it was not injected."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from beehave.faults.base import FaultError
from beehave.faults.memory import LimitLowered
from beehave.machine import cgroups as memory_groups
from beehave.machine import probes
from beehave.machine.capabilities import find
from beehave.machine.cgroups import MEMORY_GROUP, PREFIX, Group, RunGroup, clear_dead_runs
from beehave.runner.runner import draw_report
from beehave.sandbox import EndedRun
from beehave.toml_writer import write_toml

MIB = 1024 * 1024
needs_cgroup = pytest.mark.skipif(not find("cgroup_memory").available, reason=find("cgroup_memory").reason)

HUNGRY = """
import sys
hold = []
print("up", flush=True)
for line in sys.stdin:
    hold.append(bytearray(b"1") * (int(line) << 20))
    print("has it", flush=True)
"""


@pytest.fixture
def run_group():
    group = RunGroup()
    yield group
    group.close()


@pytest.fixture
def limited(run_group):
    """A process that takes as much memory as it is told, in a group of its own."""
    path = run_group.path() / "limited"
    path.mkdir()
    group = Group(path)
    group.set_limit(512 * MIB)
    enter = ["/bin/sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', str(path)]
    child = subprocess.Popen(
        [*enter, sys.executable, "-c", HUNGRY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "up\n"
    yield group, child
    child.kill()
    child.communicate()


def ask(child: subprocess.Popen[str], mib: int) -> str:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{mib}\n")
    child.stdin.flush()
    return child.stdout.readline()


@needs_cgroup
def test_a_lowered_limit_kills_who_wants_more(limited):
    group, child = limited
    assert ask(child, 100) == "has it\n"
    fault = LimitLowered(group, 16 * MIB)
    assert fault.available() is None
    fault.inject()
    fault.verify()
    assert ask(child, 64) == "", "it got what it must not get"
    assert child.wait(5) == -9
    assert group.oom_kills == 1
    fault.heal()
    assert group.limit_bytes == 512 * MIB


@needs_cgroup
def test_a_limit_that_was_not_lowered_does_not_verify(limited):
    group, child = limited
    fault = LimitLowered(group, 16 * MIB)
    with pytest.raises(FaultError):
        fault.verify()
    fault.inject()
    fault.heal()
    with pytest.raises(FaultError):
        fault.verify()
    assert ask(child, 64) == "has it\n"


def test_a_folder_without_a_controller_is_not_available(tmp_path):
    assert "no memory controller" in str(LimitLowered(Group(tmp_path), MIB).available())


@needs_cgroup
def test_the_group_of_a_run_is_its_own_until_it_ends(run_group):
    assert run_group.roots == []
    path = run_group.path()
    assert run_group.path() == path
    assert run_group.roots == [path]
    (path / "hive-1.i").mkdir()
    assert [group.path.name for group in run_group.groups()] == ["hive-1.i"]
    clear_dead_runs(path.parent)
    assert path.exists(), "a living run's group was taken away"
    run_group.close()
    assert not path.exists()
    assert run_group.roots == []


@needs_cgroup
def test_the_next_run_clears_what_a_killed_run_left(run_group):
    parent = run_group.path().parent
    left = parent / f"{PREFIX}of-the-dead-{os.getpid()}"
    (left / "hive-1.i").mkdir(parents=True)
    run_group.close()
    run_group.path()
    assert not left.exists()


@needs_cgroup
def test_a_group_with_a_process_in_it_stays(limited, monkeypatch):
    monkeypatch.setattr(memory_groups, "CLEAR_BOUND_S", 0.05)
    group, _ = limited
    assert not memory_groups.clear(group.path)
    assert group.path.exists()


def test_devices_are_written_as_tables_of_a_list(tmp_path):
    path = tmp_path / "hive.toml"
    tables = {
        "hive_id": "h",
        "devices": [{"name": "a", "size": 1}, {"name": "b", "size": 2}],
        "memory": {"enforce": "auto"},
    }
    write_toml(path, tables | {"none": []})
    assert tomllib.loads(path.read_text()) == tables | {"none": []}


def test_the_parent_of_version_2_may_be_above_a_group_with_processes(tmp_path, monkeypatch):
    own = tmp_path / "user.slice" / "session.scope"
    own.mkdir(parents=True)
    for group in (own, own.parent, tmp_path):
        (group / "cgroup.controllers").write_text("memory")
    tried: list[str] = []

    def obstacle(group: Path, limit: str) -> str | None:
        tried.append(f"{group.name} {limit}")
        return None if group == tmp_path else "a new group has no memory.max"

    monkeypatch.setattr(probes, "memory_groups", lambda _own, _mounts: [(own, "memory.max")])
    monkeypatch.setattr(probes, "_obstacle_to_limiting", obstacle)
    assert probes.memory_parent() == (tmp_path, "")
    assert tried == ["session.scope memory.max", "user.slice memory.max", f"{tmp_path.name} memory.max"]
    (tmp_path / "cgroup.controllers").unlink()
    parent, reason = probes.memory_parent()
    assert parent is None
    assert reason.count("has no memory.max") == 2


@needs_cgroup
def test_the_launcher_clears_what_a_killed_run_left(run_group):
    path = run_group.path()
    (path / "hive-1.i").mkdir()
    draw_report(EndedRun(137, {MEMORY_GROUP: str(path)}))
    assert not path.exists()
    draw_report(EndedRun(137, {MEMORY_GROUP: str(path)}))
