"""One SQLite file with one thread of its own: every access is a function run there, in order, in a transaction.

WAL and synchronous=NORMAL: a killed process leaves whole transactions only; a power cut may lose the last ones.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from daemons.common.exits import ExitStatus, FatalError

Result = TypeVar("Result")

_BUSY_MS = 2_000
"""How long SQLite waits for another process's lock (a backup, an operator's shell) before it reports `locked`."""


class Database:
    """A database file.

    Args:
        path: the file; its folder must exist.
        schema: one script for each version, oldest first; `user_version` says how many have been applied.
    """

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        self.path = path
        self._schema = list(schema)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite-{path.stem}")
        self._connection: sqlite3.Connection | None = None
        self._unused: list[sqlite3.Connection] = []

    async def open(self) -> None:
        """Open the file, create or upgrade its schema. May be called again after it failed.

        Raises:
            sqlite3.Error: SQLite's own error.
            FatalError: exit 5, the file is of a newer version than this program.
        """
        await self._in_thread(self._open)

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` in the database's thread, in one transaction that is committed unless it raises.

        Raises:
            sqlite3.Error: the transaction was rolled back.
        """
        return await self._in_thread(lambda: self._in_transaction(work))

    async def look(self, read: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `read` in the database's thread, read-only and on a connection of its own.

        The open connection answers from its page cache and does not notice a change of the file; this one does.

        Raises:
            sqlite3.Error: SQLite's own error; also when there is no file.
        """
        return await self._in_thread(lambda: self._look(read))

    async def alone(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the database's thread: nothing is read or written through this object meanwhile."""
        return await self._in_thread(work)

    async def release(self) -> None:
        """Leave the file as it is; `run` fails until it is opened again. May be called twice.

        The connection is kept unused: closing it would write the log into the file, and both are to be kept unchanged.
        """
        await self._in_thread(self._release)

    async def begin_anew(self, fill: Callable[[sqlite3.Connection], None]) -> None:
        """Replace the file by a new one, filled by `fill`; the caller has copied the old one if it is needed.

        The new file is completed beside the old one and then takes its name. When that fails the old file stays, and
        the database stays closed: nothing is written into a damaged file.

        Raises:
            sqlite3.Error, OSError: the disk refuses.
        """
        await self._in_thread(lambda: self._begin_anew(fill))

    async def close(self) -> None:
        """Finish the queued work, close the file and end the thread. May be called twice."""
        if self._connection is not None or self._unused:
            await self._in_thread(self._close)
        self._thread.shutdown(wait=True)

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> None:
        self._close()
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY_MS / 1000)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._upgrade(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _look(self, read: Callable[[sqlite3.Connection], Result]) -> Result:
        place = f"{self.path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(place, uri=True, isolation_level=None, timeout=_BUSY_MS / 1000)) as connection:
            connection.row_factory = sqlite3.Row
            return read(connection)

    def _begin_anew(self, fill: Callable[[sqlite3.Connection], None]) -> None:
        self._close()
        fresh = self.path.with_name(f"{self.path.name}.new")
        _remove(fresh, "", "-journal")
        try:
            with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
                self._upgrade(connection)
                connection.execute("BEGIN IMMEDIATE")
                fill(connection)
                connection.execute("COMMIT")
        except BaseException:
            with suppress(OSError):
                _remove(fresh, "", "-journal")
            raise
        _remove(self.path, "-wal", "-shm")  # those of the old file must not be applied to the new one
        fresh.replace(self.path)
        self._open()

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(self._schema):
            raise FatalError(
                ExitStatus.DATA,
                f"{self.path.name} has schema version {version}, this program knows {len(self._schema)}. "
                "Use the newer program, or another data_dir.",
            )
        for number, script in enumerate(self._schema[version:], start=version + 1):
            connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")

    def _in_transaction(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        if self._connection is None:
            raise sqlite3.OperationalError("the database is not open")
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        return result

    def _release(self) -> None:
        if self._connection is not None:
            self._unused.append(self._connection)
            self._connection = None

    def _close(self) -> None:
        self._release()
        while self._unused:
            self._unused.pop().close()


def _remove(path: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
