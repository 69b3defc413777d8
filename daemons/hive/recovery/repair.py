"""Checks the hive's database, and replaces a damaged one by a rebuilt one."""

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
from daemons.hive.recovery.damage import Damage, DamageKind, Findings, judge, judge_error
from daemons.hive.recovery.model_files import files_in, verified
from daemons.hive.recovery.quarantine import Quarantined, quarantine, quarantined_files
from daemons.hive.recovery.salvage import Salvage, Settled, read_rows, settle
from daemons.hive.store import APPLICATION_ID, TABLES, Store, StoredModel, StoredWorker

SOURCES: Final = ("salvaged", "rebuilt", "dropped")


class RecoveryCounters(Protocol):
    """The counters that recovery increments."""

    damages: Counter
    recovered: Counter


@dataclass(frozen=True, slots=True)
class Repaired:
    """The rows after a repair, whether they could be written or not."""

    models: dict[str, StoredModel]
    workers: list[StoredWorker]
    """Salvaged rows of workers; none for a running hive, which knows its workers."""


class DatabaseRepair:
    """Checks and repairs the database; its owner calls one method at a time.

    Args:
        store: the rows, with their file.
        folder: the folder of the model files.
        counters: incremented once for each damage, not for each try to repair it.
        rewrite: called when there is a new file, into which the rows of workers have to be written.
    """

    def __init__(self, store: Store, folder: Path, counters: RecoveryCounters, rewrite: Callable[[], None]) -> None:
        self.in_memory: str | None = None
        """Why the rows are in memory only, as the system reports it; None while they are on disk."""
        self._store = store
        self._folder = folder
        self._counters = counters
        self._rewrite = rewrite
        self._quarantined: list[str] = []
        self._copy: Quarantined | None = None
        """The copy for the present damage: a second try must not make a second one."""

    async def check(self) -> Damage | None:
        """Read the whole file as it is on disk now, and return its damage. It is small: a row is some hundred bytes.

        Raises:
            sqlite3.Error: it cannot be known now, since the file is locked or the disk does not respond.
        """
        try:
            return judge(await self._store.look(_find), application_id=APPLICATION_ID, tables=TABLES)
        except sqlite3.Error as error:
            damage = judge_error(error, exists=self._store.path.exists())
            if damage is None:
                raise
            return damage

    async def check_at_start(self) -> Damage | None:
        """Return the damage at a start: a missing file is none when there are no models either."""
        damage = await self.check()
        first_start = damage is not None and damage.kind is DamageKind.MISSING and not files_in(self._folder)
        return None if first_start else damage

    async def repair(self, damage: Damage, remembered: Mapping[str, StoredModel] | None) -> Repaired:
        """Quarantine the damaged file, salvage its rows, and replace it by a new file.

        When that cannot be written, `in_memory` says why, and this is to be called again later.

        Args:
            damage: what was found.
            remembered: the models of a running hive; None at a start.
        """
        began = time.monotonic()
        self._report(damage)
        salvage = await self._salvage()
        settled = await self._settle(salvage, remembered)
        # A running hive's rows are newer than the salvaged ones: `rewrite` has them written again.
        workers = list(salvage.workers.values()) if remembered is None else []
        try:
            if self._copy is None and damage.kind is not DamageKind.MISSING:
                self._copy = await self._store.alone(lambda: quarantine(self._store.path))
                log.warning(
                    "catalog_kept_aside", file=self._store.name, kept_as=self._copy.name, sha256=self._copy.sha256
                )
            await self._store.begin_anew(settled.models.values(), workers)
        except (sqlite3.Error, OSError) as error:
            await self._keep_in_memory(error, len(settled.models))
        else:
            self._rebuilt(settled, round((time.monotonic() - began) * 1000, 1))
        await self.find_quarantined()
        return Repaired(settled.models, workers)

    def found_intact(self) -> None:
        """Use the file again: an operator has replaced the damaged one by an intact one."""
        self.in_memory = self._copy = None
        log.warning("catalog_file_whole_again", file=self._store.name)

    async def find_quarantined(self) -> None:
        """Look for quarantined files: an operator removes one after examining it."""
        self._quarantined = await self._store.alone(lambda: quarantined_files(self._store.path))

    def degraded(self) -> Iterator[str]:
        """Yield what /health reports: a database in memory, and quarantined files that nobody has removed."""
        if self.in_memory is not None:
            yield f"the catalog is in memory only: {self._store.name}: {self.in_memory}"
        if self._quarantined:
            yield f"the catalog was damaged and rebuilt; look at {', '.join(self._quarantined)}, then move it away"

    def _report(self, damage: Damage) -> None:
        if self.in_memory is not None:
            return
        self._counters.damages.labels(damage.kind).inc()
        log.error("catalog_damaged", kind=damage.kind, code=damage.code, error=damage.message, file=self._store.name)

    async def _salvage(self) -> Salvage:
        try:
            return await self._store.look(read_rows)
        except sqlite3.Error:  # it cannot even be opened: nothing to salvage
            return Salvage()

    async def _settle(self, salvage: Salvage, remembered: Mapping[str, StoredModel] | None) -> Settled:
        files = await asyncio.to_thread(files_in, self._folder)
        if remembered is None:
            # Reading whole files takes long: only those that no row describes.
            unknown = [ref for ref in files if ref not in salvage.models]
            files = await asyncio.to_thread(verified, self._folder, files, unknown)
        return settle(salvage.models, remembered, files)

    async def _keep_in_memory(self, error: sqlite3.Error | OSError, models: int) -> None:
        reason = (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__
        if self.in_memory is None:
            log.error("catalog_in_memory", file=self._store.name, error=reason, models=models)
        self.in_memory = reason
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
