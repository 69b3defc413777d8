"""The database behind the registry. The memory is authoritative: the disk follows, and may fail.

Changes are queued and written in their order by one task. While the database fails (locked, read-only, full, deleted,
corrupt) the queen continues from memory, logs that once, and retries at each interval; what could not be written
is stored in order when it returns. Writes to a file that was deleted or replaced under the open connection would be
lost, so its identity is checked before each write, and also when nothing is written for an interval.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from daemons.common.database import Database
from daemons.common.exits import ExitStatus, FatalError
from daemons.common.logs import log
from daemons.common.wire import HiveLease
from daemons.queen.records import SCHEMA, Write, count_rows, read_all, replace_all, write_all

QUEUED_WRITES = 10_000
"""Changes that wait for a database that fails: hours of an ordinary cluster, some megabytes. Beyond it the oldest are
dropped, and the whole registry is written when the database returns."""

BATCH_WRITES = 200
"""Changes in one transaction: few enough that one takes milliseconds."""

_RUINED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Known = list[tuple[str, HiveLease]]


class FileGoneError(OSError):
    """The open database is not the file of that name any more."""


class RegistryStore:
    """Writes the changes of the registry in the background.

    Args:
        path: the database file; its folder is made when it is missing.
        interval_s: seconds between two checks of an idle database, and between two retries of a failed one.
        snapshot: the whole registry as writes, for when the queue alone would not complete the file.
        found: gets the content of a file that could be read only after the start.
    """

    def __init__(
        self,
        path: Path,
        *,
        interval_s: float,
        snapshot: Callable[[], Sequence[Write]],
        found: Callable[[Known], None],
    ) -> None:
        self._path = path
        self._interval_s = interval_s
        self._snapshot = snapshot
        self._found = found
        self._database = Database(path, SCHEMA)
        self._file: tuple[int, int] | None = None  # device and inode of the file that is open
        self._queue: deque[Write] = deque()
        self._wake = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._read = False  # the content of the file is in the registry
        self._incomplete = False  # writes were dropped, or the file is new: the queue alone is not enough
        self.failure: str | None = None

    @property
    def waiting(self) -> int:
        """Changes that are not stored yet."""
        return len(self._queue)

    async def load(self) -> Known:
        """Open the file and return its content; nothing, and `failure` is set, when the database fails.

        Raises:
            FatalError: exit 5, the file is of a newer version.
        """
        try:
            return await self._open()
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            return []

    def note(self, write: Write) -> None:
        """Queue a change; returns at once."""
        if len(self._queue) >= QUEUED_WRITES:
            self._queue.popleft()  # what a running write then removes wrongly is in the snapshot that follows
            self._incomplete = True
        self._queue.append(write)
        self._wake.set()

    async def run(self) -> None:
        """Write queued changes until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    # While it fails, a new change does not cause a retry.
                    await (asyncio.Event() if self.failure else self._wake).wait()
            self._wake.clear()
            await self.flush()

    async def flush(self) -> bool:
        """Write what is queued, or check whether the database still answers; return False when it fails."""
        async with self._flushing:
            try:
                await self._flush()
            except (sqlite3.Error, OSError) as error:
                self._failed(error)
                return False
            if self.failure is not None:
                log.info("database_returned", database=self._path.name)
                self.failure = None
            return True

    async def _flush(self) -> None:
        if self._file is None:
            await self._reopen()
        self._check_file()
        if not self._queue and not self._incomplete:
            await self._database.run(count_rows)
        while self._queue or self._incomplete:
            await (self._write_snapshot() if self._incomplete else self._write_batch())

    async def close(self) -> None:
        """Write what is queued, once, and close the file."""
        if not await self.flush() and self._queue:
            log.warning("database_writes_lost", writes=self.waiting)
        await self._database.close()

    async def _open(self) -> Known:
        await self._database.open()
        known = await self._database.run(read_all)
        self._file = _identity_of(self._path)
        self._read = True
        return known

    async def _reopen(self) -> None:
        """Open again after a failure, and restore what this queen does not know yet."""
        had_read = self._read
        self._path.parent.mkdir(parents=True, exist_ok=True)
        known = await self._open()
        if not had_read:
            self._found(known)
            self._incomplete = True

    def _check_file(self) -> None:
        """Raise FileGoneError when the file of that name is not the open one any more, or has been emptied."""
        try:
            if _identity_of(self._path) == self._file and self._path.stat().st_size > 0:
                return
        except FileNotFoundError:
            pass
        self._incomplete = True
        raise FileGoneError("the database file was deleted, replaced or emptied")

    async def _write_batch(self) -> None:
        batch = list(islice(self._queue, BATCH_WRITES))
        await self._database.run(lambda connection: write_all(connection, batch))
        for _ in range(min(len(batch), len(self._queue))):
            self._queue.popleft()

    async def _write_snapshot(self) -> None:
        """Store everything. The queue is still written after it: a snapshot has no order of changes."""
        snapshot = self._snapshot()
        self._incomplete = False
        try:
            await self._database.run(lambda connection: replace_all(connection, snapshot))
        except sqlite3.Error:
            self._incomplete = True
            raise

    def _failed(self, error: sqlite3.Error | OSError) -> None:
        reason = str(error) or type(error).__name__
        self._file = None  # the next retry opens the file again: a connection that failed once cannot be trusted
        if _is_ruined(error):
            self._set_aside()
        if self.failure is None:
            log.error("database_failed", database=self._path.name, error=reason, waiting=self.waiting)
        self.failure = reason

    def _set_aside(self) -> None:
        """Rename a file that SQLite refuses; a new one is filled from memory."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        kept = self._path.with_name(f"{self._path.name}.broken-{stamp}")
        try:
            self._path.rename(kept)
        except OSError as error:
            log.error("database_not_set_aside", database=self._path.name, error=error.strerror)
            return
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._incomplete = True
        log.warning("database_set_aside", database=self._path.name, kept_as=kept.name)


def _identity_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _is_ruined(error: Exception) -> bool:
    """Return whether SQLite reports that the file itself is broken: no retry will read it."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in _RUINED


def make_data_folder(path: Path) -> None:
    """Make the folder of the database, before anything listens.

    Raises:
        FatalError: exit 5, with what to do.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot use the data folder {path}: {error.strerror}. Check --data_dir."
        raise FatalError(ExitStatus.DATA, message) from None
