"""Looks whether the hive's database is whole, and puts a rebuilt one in the place of a damaged one."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from prometheus_client import Counter

from daemons.common.logs import log
from daemons.hive.models.folder import files_in, proved
from daemons.hive.recovery.damage import Damage, DamageKind, Findings, judge, judge_error
from daemons.hive.recovery.kept import Kept, keep_aside, kept_files
from daemons.hive.recovery.salvage import Salvage, Settled, read_rows, settle
from daemons.hive.store import APPLICATION_ID, TABLES, Store, StoredModel, StoredWorker

SOURCES: Final = ("salvaged", "rebuilt", "dropped")


class RecoveryCounters(Protocol):
    """The counters that recovery moves."""

    damages: Counter
    recovered: Counter


@dataclass(frozen=True, slots=True)
class Mended:
    """What is to be known after a damage, whether the disk took it or not."""

    models: dict[str, StoredModel]
    workers: list[StoredWorker]
    """Rows of workers that were salvaged; a running hive knows its workers itself."""


class Mender:
    """One at a time: its owner sees to that.

    Args:
        store: the rows, with their file.
        folder: where the model files are.
        counters: moved once for each damage, not for each try to mend it.
        rewrite: called when there is a new file: rows of workers have to be written into it.
    """

    def __init__(self, store: Store, folder: Path, counters: RecoveryCounters, rewrite: Callable[[], None]) -> None:
        self.in_memory: str | None = None
        """Why the rows are in memory only: the disk's own word; None while they are on disk."""
        self._store = store
        self._folder = folder
        self._counters = counters
        self._rewrite = rewrite
        self._kept: list[str] = []
        self._copy: Kept | None = None  # of the present damage: a second try must not keep a second copy

    async def look(self) -> Damage | None:
        """Read the whole file, as it is on disk now. It is small: a row is some hundred bytes.

        Raises:
            sqlite3.Error: it cannot be told now, since the file is locked or the disk does not answer.
        """
        try:
            return judge(await self._store.look(_find), application_id=APPLICATION_ID, tables=TABLES)
        except sqlite3.Error as error:
            damage = judge_error(error, exists=self._store.path.exists())
            if damage is None:
                raise
            return damage

    async def look_at_start(self) -> Damage | None:
        """The same for a hive that starts: no file is no damage when there are no models either."""
        damage = await self.look()
        first_start = damage is not None and damage.kind is DamageKind.MISSING and not files_in(self._folder)
        return None if first_start else damage

    async def mend(self, damage: Damage, remembered: Mapping[str, StoredModel] | None) -> Mended:
        """Keep the broken file, save what can be saved, and put a new file in its place.

        When the disk refuses, `in_memory` says so, and this is to be called again later. Never raises for the disk.

        Args:
            damage: what was found.
            remembered: the models of a running hive; None at a start.
        """
        began = time.monotonic()
        self._tell(damage)
        salvage = await self._salvage()
        settled = await self._settle(salvage, remembered)
        workers = list(salvage.workers.values()) if remembered is None else []
        try:
            if self._copy is None and damage.kind is not DamageKind.MISSING:
                self._copy = await self._store.alone(lambda: keep_aside(self._store.path))
                log.warning(
                    "catalog_kept_aside", file=self._store.name, kept_as=self._copy.name, sha256=self._copy.sha256
                )
            await self._store.begin_anew(settled.models.values(), workers)
        except (sqlite3.Error, OSError) as error:
            await self._go_on_in_memory(error, len(settled.models))
        else:
            self._rebuilt(settled, round((time.monotonic() - began) * 1000, 1))
        await self.look_for_kept()
        return Mended(settled.models, workers)

    def found_whole(self) -> None:
        """Somebody has put a whole file in the place of the damaged one."""
        self.in_memory = self._copy = None
        log.warning("catalog_file_whole_again", file=self._store.name)

    async def look_for_kept(self) -> None:
        """Look which broken files lie beside the database: an operator who is done with one takes it away."""
        self._kept = await self._store.alone(lambda: kept_files(self._store.path))

    def degraded(self) -> Iterator[str]:
        """What is to be said in /health: until the disk is back, and until somebody has looked at the broken file."""
        if self.in_memory is not None:
            yield f"the catalog is in memory only: {self._store.name}: {self.in_memory}"
        if self._kept:
            yield f"the catalog was damaged and rebuilt; look at {', '.join(self._kept)}, then move it away"

    def _tell(self, damage: Damage) -> None:
        if self.in_memory is not None:
            return
        self._counters.damages.labels(damage.kind).inc()
        log.error("catalog_damaged", kind=damage.kind, code=damage.code, error=damage.message, file=self._store.name)

    async def _salvage(self) -> Salvage:
        try:
            return await self._store.look(read_rows)
        except sqlite3.Error:  # it cannot even be opened
            return Salvage()

    async def _settle(self, salvage: Salvage, remembered: Mapping[str, StoredModel] | None) -> Settled:
        files = await asyncio.to_thread(files_in, self._folder)
        if remembered is None:
            unknown = [ref for ref in files if ref not in salvage.models]
            files = await asyncio.to_thread(proved, self._folder, files, unknown)
        return settle(salvage.models, remembered, files)

    async def _go_on_in_memory(self, error: sqlite3.Error | OSError, models: int) -> None:
        words = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
        if self.in_memory is None:
            log.error("catalog_in_memory", file=self._store.name, error=words, models=models)
        self.in_memory = words
        await self._store.release()

    def _rebuilt(self, settled: Settled, took_ms: float) -> None:
        counts = {"salvaged": settled.salvaged, "rebuilt": settled.rebuilt, "dropped": len(settled.dropped)}
        for source, count in counts.items():
            self._counters.recovered.labels(source).inc(count)
        log.warning("catalog_rebuilt", file=self._store.name, took_ms=took_ms, **counts)
        for ref in settled.dropped:
            log.warning("model_file_lost", model=ref)
        self.in_memory = self._copy = None
        self._rewrite()


def _find(connection: sqlite3.Connection) -> Findings:
    application_id, user_version = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    )
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for table in tables.intersection(TABLES):
        connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 our own names
    check = connection.execute("PRAGMA quick_check(1)").fetchone()[0].splitlines()[-1]  # the first is a heading
    return Findings(application_id, user_version, frozenset(tables), check)
