"""/proc/locks, read and acted on."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys

import pytest

from beehave.process.file_locks import held_below, parse, release_own

LOCKS = """\
1: POSIX  ADVISORY  WRITE 2412 08:01:524302 1073741824 1073742335
2: FLOCK  ADVISORY  WRITE 77 fd:00:12 0 EOF
2: -> FLOCK  ADVISORY  WRITE 78 fd:00:12 0 EOF
3: OFDLCK ADVISORY  READ  -1 00:1b:9 0 0
"""


def test_the_form_of_proc_locks():
    assert parse(LOCKS) == [
        ("POSIX", 2412, (os.makedev(8, 1), 524302)),
        ("FLOCK", 77, (os.makedev(0xFD, 0), 12)),
        ("OFDLCK", -1, (os.makedev(0, 0x1B), 9)),
    ]


@pytest.mark.parametrize(("take", "kind"), [(fcntl.flock, "FLOCK"), (fcntl.lockf, "POSIX")])
def test_own_locks_are_found_and_released(tmp_path, take, kind):
    path = tmp_path / "deep" / "file"
    path.parent.mkdir()
    with path.open("w") as file:
        take(file, fcntl.LOCK_EX)
        found = held_below(tmp_path, {os.getpid()})
        assert [(lock.path, lock.kind, lock.pid) for lock in found] == [(str(path), kind, os.getpid())]
        assert found[0].describe() == f"{kind} lock on {path}, held by behave itself"
        release_own(found[0])
        assert held_below(tmp_path, {os.getpid()}) == []


def test_locks_elsewhere_and_of_strangers_are_none_of_ours(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    with outside.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert held_below(inside, {os.getpid()}) == []
        assert held_below(tmp_path, {1}) == []


def test_the_lock_of_another_process_is_named_with_it(tmp_path):
    path = tmp_path / "file"
    code = (
        f"import fcntl, time; f = open({str(path)!r}, 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "print(flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        found = held_below(tmp_path, {child.pid})
        assert [lock.pid for lock in found] == [child.pid]
        assert f"held by pid {child.pid}" in found[0].describe()
        release_own(found[0])  # not ours: left alone
        assert held_below(tmp_path, {child.pid}) == found
        child.kill()
