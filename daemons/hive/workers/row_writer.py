"""Writes worker rows behind the changes in memory. A failed write makes the hive degraded, never unavailable."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from daemons.common.logs import log
from daemons.hive.changes import Changes
from daemons.hive.store import Store, StoredWorker


class Recorded(Protocol):
    """What is needed of a supervisor."""

    @property
    def id(self) -> str:
        """The worker's id."""

    def stored(self) -> StoredWorker:
        """Return the row as it is to be on disk."""


class RowWriter:
    """Writes worker rows, and repeats what failed."""

    def __init__(self, store: Store, retry_ms: int) -> None:
        self.fault: str | None = None
        """SQLite's message while the last write failed, else None."""
        self._store = store
        self._retry_ms = retry_ms
        self._written: dict[str, StoredWorker] = {}
        self._changes = Changes()
        self._dirty = False

    def seed(self, rows: Iterable[StoredWorker]) -> None:
        """Begin with the rows that are on disk already."""
        self._written = {row.id: row for row in rows}

    def rewrite(self) -> None:
        """Write every row again: the file is a new one."""
        self._written = {}
        self.changed()

    def changed(self) -> None:
        """Compare the rows with the disk, and write what differs."""
        self._dirty = True
        self._changes.notify()

    async def save(self, row: StoredWorker) -> None:
        """Write one row before returning, unless the write fails."""
        if await self._try(self._store.save_worker(row), row.id):
            self._written[row.id] = row

    async def forget(self, worker_id: str) -> None:
        """Remove one row before returning, or with the next round when that fails."""
        if await self._try(self._store.remove_worker(worker_id), worker_id):
            self._written.pop(worker_id, None)

    async def run(self, supervisors: Callable[[], Iterable[Recorded]]) -> None:
        """Write what differs whenever something changed, and again every `retry_ms` while writes fail."""
        while True:
            within_ms = self._retry_ms if self.fault is not None else None
            await self._changes.until(lambda: self._dirty, within_ms=within_ms)
            self._dirty = False
            await self._round(supervisors)

    async def _round(self, supervisors: Callable[[], Iterable[Recorded]]) -> None:
        living = {supervisor.id: supervisor for supervisor in supervisors()}
        for worker_id in self._written.keys() - living.keys():
            await self.forget(worker_id)
        for worker_id in living:
            # Looked up again, since others run during each write: a row that was removed meanwhile must stay removed.
            supervisor = next((each for each in supervisors() if each.id == worker_id), None)
            if supervisor is not None and (row := supervisor.stored()) != self._written.get(worker_id):
                await self.save(row)

    async def _try(self, write: Awaitable[None], worker_id: str) -> bool:
        try:
            await write
        except sqlite3.Error as error:
            if self.fault is None:
                log.error("worker_rows_not_written", worker_id=worker_id, error=str(error), file=self._store.name)
            self.fault = str(error)
            return False
        if self.fault is not None:
            log.warning("worker_rows_written_again", file=self._store.name)
            self.fault = None
        return True
