"""Keeps the rows on disk like the rows in memory; a disk that refuses costs health, never service."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from daemons.common.logs import log
from daemons.hive.noticeboard import Noticeboard
from daemons.hive.store import Store, StoredWorker


class Recorded(Protocol):
    """A supervisor, as far as its row on disk goes."""

    @property
    def id(self) -> str:
        """The worker's id."""

    def stored(self) -> StoredWorker:
        """The row as it is to be on disk."""


class Scribe:
    """Writes worker rows. `fault` is SQLite's own word while the last write failed, else None."""

    def __init__(self, store: Store, retry_ms: int) -> None:
        self.fault: str | None = None
        self._store = store
        self._retry_ms = retry_ms
        self._written: dict[str, StoredWorker] = {}
        self._board = Noticeboard()
        self._news = False

    def seed(self, rows: Iterable[StoredWorker]) -> None:
        """These rows are on disk already."""
        self._written = {row.id: row for row in rows}

    def rewrite(self) -> None:
        """There is a new file, without any row."""
        self._written = {}
        self.changed()

    def changed(self) -> None:
        """A row may differ from the disk now."""
        self._news = True
        self._board.changed()

    async def save(self, row: StoredWorker) -> None:
        """Write one row before this returns, if the disk takes it."""
        if await self._try(self._store.save_worker(row), row.id):
            self._written[row.id] = row

    async def forget(self, worker_id: str) -> None:
        """Remove one row before this returns, if the disk takes it; else with the next round."""
        if await self._try(self._store.remove_worker(worker_id), worker_id):
            self._written.pop(worker_id, None)

    async def run(self, supervisors: Callable[[], Iterable[Recorded]]) -> None:
        """Write what differs whenever something changed, and again every `retry_ms` while the disk refuses."""
        while True:
            within_ms = self._retry_ms if self.fault is not None else None
            await self._board.until(lambda: self._news, within_ms=within_ms)
            self._news = False
            await self._round(supervisors)

    async def _round(self, supervisors: Callable[[], Iterable[Recorded]]) -> None:
        living = {supervisor.id: supervisor for supervisor in supervisors()}
        for worker_id in self._written.keys() - living.keys():
            await self.forget(worker_id)
        for worker_id in living:
            # Looked up again, since each write lets others run: a row that has gone meanwhile must stay gone.
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
