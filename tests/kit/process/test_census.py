"""The census: what is extra is named and cleared away, what is expected is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from beehave.identity import Identity
from beehave.process import census
from beehave.process.census import TEMPORARY_FOLDER, Census, CensusTaker, Mount
from beehave.process.file_locks import FileLock
from beehave.process.listeners import Listener
from beehave.sandbox.info import SandboxInfo, SandboxKind

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def taker(tmp_path):
    return CensusTaker(SandboxInfo(SandboxKind.NONE, "a unit test", os.getpid(), 0.0), tmp_path)


def test_each_kind_of_thing_is_named():
    who = Identity(2**22 + 1, 5)  # no such process
    extra = Census(
        frozenset({who}),
        frozenset({Listener("127.0.0.1", 80, -1, 3)}),
        frozenset({FileLock("/run/x", "FLOCK", -1)}),
        frozenset({Mount(7, "/mnt", "tmpfs")}),
    )
    assert [leak.kind for leak in extra.leaks()] == ["process", "port", "lock", "mount"]
    assert [str(leak) for leak in extra.leaks()][1:] == [
        "port left behind: 127.0.0.1:80, held by an unknown process",
        "lock left behind: FLOCK lock on /run/x, held by an unknown process",
        "mount left behind: tmpfs on /mnt",
    ]


def test_nothing_changed_is_no_leak(taker):
    before = taker.take()
    assert taker.extra_since(before) == Census()


def test_a_process_is_named_swept_and_reaped(taker):
    before = taker.take()
    child = subprocess.Popen(SLEEP)
    leaks = taker.extra_since(before).leaks()
    assert [(leak.kind, leak.pid) for leak in leaks] == [("process", child.pid)]
    assert "import time; time.sleep(60)" in leaks[0].what
    assert taker.sweep(before) == []
    assert Identity.of(child.pid) is None
    child.wait()


def test_a_process_that_is_on_its_way_out_is_no_leak(taker):
    before = taker.take()
    with subprocess.Popen(SLEEP) as child:
        with_child = taker.take().without(before)
        assert {who.pid for who in with_child.processes} == {child.pid}
        child.kill()
        child.wait()
        assert taker.extra_since(before) == Census()


def test_something_that_ends_while_it_settles_is_no_leak(taker, monkeypatch, tmp_path):
    monkeypatch.setattr(census, "SETTLE_S", 10)
    before = taker.take()
    folder = tmp_path / TEMPORARY_FOLDER
    folder.mkdir()
    (folder / "x").touch()
    looks = []

    def take_and_remove():
        looks.append(time.monotonic())
        if len(looks) == 3:
            (folder / "x").unlink()
        return CensusTaker.take(taker)

    monkeypatch.setattr(taker, "take", take_and_remove, raising=False)
    assert taker.extra_since(before) == Census()
    assert len(looks) == 3


def test_expected_processes_and_their_descendants_are_left_alone(taker):
    before = taker.take()
    code = (
        "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        "print(flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    parent.stdout.readline()
    expected = {Identity.of(parent.pid)}
    assert len(taker.take().without(before).processes) == 2
    assert taker.extra_since(before, expected=expected) == Census()
    assert taker.sweep(before, spare=expected) == []
    assert parent.poll() is None
    assert taker.sweep(before) == []
    parent.stdout.close()
    parent.wait()


def test_temporary_files_and_folders_are_named_and_removed(taker, tmp_path):
    before = taker.take()
    folder = tmp_path / TEMPORARY_FOLDER
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "file").touch()
    (folder / "link").symlink_to(tmp_path)
    kinds = [(leak.kind, leak.what.rpartition("/")[2]) for leak in taker.extra_since(before).leaks()]
    assert kinds == [("folder", "deep"), ("folder", "file"), ("folder", "link")]
    assert taker.sweep(before) == []
    assert not list(folder.iterdir())
    assert tmp_path.is_dir()


def test_control_groups_below_the_roots_are_named_and_removed(taker, tmp_path):
    root = tmp_path / "cgroup"  # a plain folder stands in: the rule is the same, and rmdir removes it
    root.mkdir()
    taker.cgroup_roots.append(root)
    before = taker.take()
    (root / "worker-1" / "inner").mkdir(parents=True)
    assert [leak.kind for leak in taker.extra_since(before).leaks()] == ["cgroup", "cgroup"]
    assert taker.sweep(before) == []
    assert not list(root.iterdir())


def test_what_cannot_be_removed_is_said(taker, tmp_path):
    root = tmp_path / "cgroup"
    root.mkdir()
    taker.cgroup_roots.append(root)
    before = taker.take()
    (root / "busy").mkdir()
    (root / "busy" / "file").touch()
    problems = taker.sweep(before)
    assert problems == [f"could not be cleared away: cgroup left behind: {root / 'busy'}"]
