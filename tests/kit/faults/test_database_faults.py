"""Each fault of databases and disks: what it does to SQLite and to a process, and that it is not believed unseen."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from beehave import sandbox
from beehave.faults.base import FaultError, FaultStack
from beehave.faults.database import Damage, DamagedFile, HeldLock, RemovedFile, sha256_of, what_sqlite_says
from beehave.faults.disk import FileSizeLimit, FilledDisk, ReadOnlyFolder, SmallDisk, obeying_modes

ROWS = 200


@pytest.fixture
def path(tmp_path):
    """A database in WAL mode, open as in a daemon, with a table of several pages."""
    folder = tmp_path / "data"
    folder.mkdir()
    file = folder / "bees.sqlite3"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE bees (name TEXT)")
        for number in range(ROWS):
            connection.execute("INSERT INTO bees VALUES (?)", (f"{number}-{'x' * 100}",))
        yield file


@pytest.fixture
def faults(journal):
    stack = FaultStack(journal)
    yield stack
    assert stack.heal_all() == []


@pytest.mark.parametrize("damage", Damage)
def test_sqlite_refuses_a_damaged_file_and_takes_the_healed_one(path, faults, damage):
    fault = DamagedFile(path, "bees", damage)
    assert what_sqlite_says(path, "bees") is not None or path.with_name(path.name + "-wal").exists()
    faults.add(fault)
    assert what_sqlite_says(path, "bees")
    assert sha256_of(path) == fault.sha256
    faults.heal(fault)
    assert what_sqlite_says(path, "bees") is None


@pytest.mark.parametrize("damage", Damage)
def test_damage_that_was_not_done_is_not_believed(path, damage):
    fault = DamagedFile(path, "bees", damage)
    fault.inject()
    fault.heal()
    with pytest.raises(FaultError):
        fault.verify()


def test_an_emptied_file_is_valid_to_sqlite_and_has_no_table(path, faults):
    faults.add(DamagedFile(path, "bees", Damage.EVERYTHING))
    assert path.stat().st_size == 0
    assert what_sqlite_says(path, "bees") == "no such table: bees"


def test_a_small_table_has_no_middle(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM bees WHERE rowid > 2")
        connection.commit()
    with pytest.raises(FaultError, match="needs more rows"):
        DamagedFile(path, "bees", Damage.MIDDLE_PAGE).inject()


def test_healing_leaves_another_file_alone(path):
    fault = DamagedFile(path, "bees", Damage.HEADER)
    fault.inject()
    path.write_bytes(b"the daemon's own new file")
    fault.heal()
    assert path.read_bytes() == b"the daemon's own new file"


def test_a_held_lock_keeps_others_from_writing_until_it_is_let_go(path, faults):
    fault = HeldLock(path)
    faults.add(fault)
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            connection.execute("INSERT INTO bees VALUES ('late')")
        faults.heal(fault)
        connection.execute("INSERT INTO bees VALUES ('late')")


def test_a_removed_file_is_gone_and_one_that_is_there_is_not_believed(path, faults):
    with pytest.raises(FaultError, match="still there"):
        RemovedFile(path).verify()
    faults.add(RemovedFile(path))
    assert not path.exists()
    path.touch()


def run(code, *arguments):
    command = obeying_modes([sys.executable, "-c", code, *arguments])
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def test_a_read_only_folder_refuses_new_files_and_writers_but_not_the_folders_in_it(path, faults):
    folder = path.parent
    (folder / "below").mkdir()
    fault = ReadOnlyFolder(folder)
    faults.add(fault)
    assert "PermissionError" in run("import sys; open(sys.argv[1], 'x')", str(folder / "new")).stderr
    assert "PermissionError" in run("import sys; open(sys.argv[1], 'r+b')", str(path)).stderr
    assert run("import sys; open(sys.argv[1], 'x')", str(folder / "below" / "new")).returncode == 0
    faults.heal(fault)
    assert run("import sys; open(sys.argv[1], 'x')", str(folder / "new")).returncode == 0


WRITER = """
import sys
for line in sys.stdin:
    try:
        with open(sys.argv[1], "wb", buffering=0) as file:
            wrote = file.write(bytes(int(line)))
        print(wrote, flush=True)
    except OSError as error:
        print(error.strerror, flush=True)
"""


class Running:
    """What the fault asks of a process that the harness started."""

    name = "writer"

    def __init__(self, pid):
        self.pid = pid

    def alive(self):
        return True


def test_a_limit_on_files_makes_writes_fail_until_it_is_lifted(tmp_path, faults):
    command = [sys.executable, "-c", WRITER, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:

        def written(count):
            writer.stdin.write(f"{count}\n")
            writer.stdin.flush()
            return writer.stdout.readline().strip()

        fault = FileSizeLimit(Running(writer.pid), 4096)
        with pytest.raises(FaultError, match="not 4096"):
            fault.verify()
        assert written(8192) == "8192"
        faults.add(fault)
        assert (written(8192), written(8192)) == ("4096", "4096")
        faults.heal(fault)
        assert written(8192) == "8192"


def in_sandbox(check):
    """Run `check` in a child that has mounts of its own; its exit status says how it went."""
    child = os.fork()
    if child == 0:
        try:
            sandbox.enter(sandbox.SandboxMode.REQUIRE, lambda _run: None)
            check()
            sandbox.report_to_launcher(finished=True)
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - a forked copy of pytest must not go on as pytest
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def can_mount():
    from beehave.machine.capabilities import survey

    return next(finding.available for finding in survey() if finding.name == "mount_tmpfs")


def test_a_small_disk_is_full_when_it_is_filled_and_has_room_again(tmp_path):
    if not can_mount():
        pytest.skip("nothing can be mounted here")

    def check():
        folder = tmp_path / "small"
        disk = SmallDisk(folder, 64 * 1024)
        assert disk.available() is None
        disk.inject()
        disk.verify()
        full = FilledDisk(folder)
        assert full.available() is None
        try:
            full.verify()
        except FaultError:
            pass
        else:
            raise AssertionError("a disk that was not filled was believed to be full")
        full.inject()
        full.verify()
        full.heal()
        (folder / "again").write_bytes(bytes(4096))
        disk.heal()
        assert not (folder / "again").exists()
        try:
            disk.verify()
        except FaultError:
            return
        raise AssertionError("a disk that is not mounted was believed to be small")

    assert in_sandbox(check) == 0


def test_somebody_elses_disk_is_never_filled(tmp_path):
    assert "not the scenario's own" in FilledDisk(tmp_path).available()


def test_signals_are_not_needed_for_a_full_disk():
    """Python ignores SIGXFSZ: a daemon over its limit gets an error and lives."""
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
