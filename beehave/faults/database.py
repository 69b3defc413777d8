"""Broken SQLite files: named pages overwritten, files cut short or removed, and a lock that another process holds.

The file of a running daemon is edited in place, and only after a checkpoint: the write-ahead log hides edits of the
file itself. Each fault is verified by SQLite itself, on a copy of the file, without the daemon.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from pathlib import Path

from beehave.faults.base import Fault, FaultError

JUNK = b"\xa5"
"""No page type, no text encoding and no file header begins with this byte."""
HEADER_BYTES = 100
"""The database header, at the beginning of the first page (sqlite.org/fileformat2.html, 1.3)."""
INTERIOR_TABLE_PAGE = 5
"""The first byte of a page that has only pointers to other pages (the same document, 1.6)."""
LOCK_BOUND_S = 5.0
"""How long taking the lock may take: the start of an interpreter on a busy machine."""
HOLD_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=4)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


class Damage(StrEnum):
    """What is done to the file."""

    HEADER = "header"
    TABLE_ROOT = "root page of its table"
    MIDDLE_PAGE = "middle page of its table"
    TAIL = "last quarter"
    EVERYTHING = "whole content"

    @property
    def cuts(self) -> bool:
        """Whether the file becomes shorter; otherwise bytes of it are overwritten."""
        return self in {Damage.TAIL, Damage.EVERYTHING}

    @property
    def leaves_rows(self) -> bool:
        """Whether some rows can still be read: all of them where the broken pages have none."""
        return self in {Damage.MIDDLE_PAGE, Damage.TAIL}


class DamagedFile(Fault):
    """A database file that is damaged in place. Healing restores the bytes, if it is still the same broken file."""

    def __init__(self, path: Path, table: str, damage: Damage) -> None:
        self._path = path
        self._table = table
        self.damage = damage
        self._whole = b""
        self.sha256 = ""
        """SHA-256 of the broken file, as it was left."""
        self.objections: frozenset[str] = frozenset()
        """SQLite's messages about the broken file, which differ by how it is opened.

        `{""}` when it has none: an empty file is a valid database.
        """

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self.damage} of {self._path.name} {'cut off' if self.damage.cuts else 'overwritten'}"

    def inject(self) -> None:
        """Checkpoint, then damage the file.

        Raises:
            FaultError: the table is too small to have that kind of page, or the checkpoint was not possible.
        """
        checkpoint(self._path)
        self._whole = self._path.read_bytes()
        with self._path.open("r+b") as file:
            if self.damage.cuts:
                keep = {Damage.TAIL: len(self._whole) * 3 // 4, Damage.EVERYTHING: 0}[self.damage]
                file.truncate(keep)
            else:
                offset, length = self._place()
                file.seek(offset)
                file.write(JUNK * length)
        self.sha256 = sha256_of(self._path)

    def verify(self) -> None:
        """Verify that SQLite refuses the file, or takes an emptied one for a valid database without a table.

        Raises:
            FaultError: SQLite still reads the table.
        """
        said = what_sqlite_says(self._path, self._table)
        expected = f"no such table: {self._table}" if self.damage is Damage.EVERYTHING else ""
        if said is None or (expected and said != expected):
            raise FaultError(f"{self.name}: SQLite should refuse to read {self._table}, but says {said or 'nothing'!r}")
        self.objections = frozenset([""] if expected else [said, self._said_in_place() or said])

    def heal(self) -> None:
        """Restore the bytes, unless the daemon has made another file by now."""
        if self._whole and self._path.exists() and sha256_of(self._path) == self.sha256:
            with self._path.open("r+b") as file:
                file.write(self._whole)
        self._whole = b""

    def _said_in_place(self) -> str | None:
        """Return SQLite's message about the file in place, together with its log and index, which a copy lacks."""

        def read() -> None:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=LOCK_BOUND_S)) as connection:
                connection.execute(f"SELECT * FROM {self._table}").fetchall()  # noqa: S608 - a name of our own
                check = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if check != "ok":
                    raise sqlite3.DatabaseError(check.splitlines()[-1])

        return _attempt(read)

    def _place(self) -> tuple[int, int]:
        """Where to write, and how much: offset and length in bytes."""
        page_size = int.from_bytes(self._whole[16:18], "big")
        if self.damage is Damage.HEADER:
            return 0, HEADER_BYTES
        with closing(sqlite3.connect(self._path)) as connection:
            found = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (self._table,)).fetchone()
        root = (found[0] - 1) * page_size
        if self.damage is Damage.TABLE_ROOT:
            return root, page_size
        if self._whole[root] != INTERIOR_TABLE_PAGE:
            raise FaultError(
                f"{self._table} in {self._path.name} fits on one page; it needs more rows to have a middle"
            )
        cells = int.from_bytes(self._whole[root + 3 : root + 5], "big")
        pointer = root + 12 + 2 * (cells // 2)  # 12 bytes of page header, then a pointer to each cell
        cell = root + int.from_bytes(self._whole[pointer : pointer + 2], "big")
        child = int.from_bytes(self._whole[cell : cell + 4], "big")
        return (child - 1) * page_size, page_size


class RemovedFile(Fault):
    """A database file that was deleted under the daemon, with its log; the daemon's open descriptors stay valid."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode: int | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._path.name} deleted"

    def inject(self) -> None:
        """Delete file, log and index."""
        self._inode = self._path.stat().st_ino
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def verify(self) -> None:
        """Verify that the file is gone; the daemon may have made another one already.

        Raises:
            FaultError: it is still there.
        """
        try:
            inode = self._path.stat().st_ino
        except FileNotFoundError:
            return
        if self._inode in {None, inode}:
            raise FaultError(f"{self._path.name} is still there")

    def heal(self) -> None:
        """Do nothing: a deleted file does not come back, the daemon has to make a new one."""


class HeldLock(Fault):
    """A lock held by another process in the middle of a transaction, such as a backup or a forgotten shell."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder: subprocess.Popen[str] | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._path.name} locked by another process"

    def inject(self) -> None:
        """Start the process and wait until it holds the lock.

        Raises:
            FaultError: the process did not get the lock.
        """
        command = [sys.executable, "-c", HOLD_LOCK, str(self._path)]
        self._holder = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._holder.stdout is not None, "asked for above"
        said = self._holder.stdout.readline().strip()
        if said != "held":
            rest = self._holder.stdout.read().strip().splitlines()
            self.heal()
            raise FaultError(f"cannot lock {self._path.name}: {rest[-1] if rest else said or 'no word'}")

    def verify(self) -> None:
        """Verify that no other connection can write.

        Raises:
            FaultError: one can.
        """
        said = _attempt(lambda: _begin(self._path))
        if said is None or "locked" not in said:
            raise FaultError(f"{self._path.name} is not locked: a transaction of another process says {said!r}")

    def heal(self) -> None:
        """End the process; its transaction is rolled back."""
        if self._holder is not None:
            self._holder.communicate(timeout=LOCK_BOUND_S)
            self._holder = None


def checkpoint(path: Path) -> None:
    """Move everything from the write-ahead log into the file, and empty the log. Does nothing when it is empty.

    Raises:
        FaultError: another connection is in the middle of a transaction.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size == 0:  # each checkpoint makes the daemon forget what it has cached
        return
    with closing(sqlite3.connect(path, timeout=LOCK_BOUND_S)) as connection:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise FaultError(f"{path.name} is in use, so its log cannot be emptied, and would mask what is edited")


def what_sqlite_says(path: Path, table: str) -> str | None:
    """Return SQLite's error on reading a table from a copy of the file; None when it reads all of it."""
    with tempfile.TemporaryDirectory(prefix="database-copy-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)

        def read() -> None:
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - a name of this file's callers
                (check,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
                if check != "ok":
                    raise sqlite3.DatabaseError(check)

        return _attempt(read)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _begin(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _attempt(work: Callable[[], None]) -> str | None:
    try:
        work()
    except sqlite3.Error as error:
        return str(error)
    return None
