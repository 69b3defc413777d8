"""The hive's database `hive.sqlite3`: the rows of its workers and of its models."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

from daemons.common.database import Database
from daemons.common.logs import log
from daemons.common.wire import RestartPolicy, Shortage, WorkerState
from daemons.hive.worker_spec import WorkerSpec

Result = TypeVar("Result")

APPLICATION_ID: Final = 0x62686976
"""`bhiv`: marks a hive's database, of whatever version, as no empty file and no other program's."""
TABLES: Final = ("models", "workers")

SCHEMA: Final = (
    f"""
    PRAGMA application_id = {APPLICATION_ID};
    CREATE TABLE workers (
        id TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        slots INTEGER NOT NULL,
        restart TEXT NOT NULL,
        token_interval_ms INTEGER NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        detail TEXT,
        restarts INTEGER NOT NULL,
        stopping INTEGER NOT NULL,
        instance TEXT NOT NULL,
        spawned INTEGER NOT NULL,
        pid INTEGER,
        start_ticks INTEGER,
        boot_id TEXT,
        port INTEGER,
        memory_limit_bytes INTEGER,
        shortage TEXT
    ) STRICT;
    CREATE TABLE models (
        ref TEXT PRIMARY KEY,
        size_bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        created INTEGER NOT NULL
    ) STRICT;
    """,
)


@dataclass(frozen=True, slots=True)
class StoredWorker:
    """A worker's row on disk: what is needed to find its process again, and what was asked of it."""

    id: str
    model: str
    slots: int
    restart: RestartPolicy
    token_interval_ms: int
    state: WorkerState
    reason: str | None
    detail: str | None
    restarts: int
    stopping: bool
    instance: str
    spawned: bool
    """A process of this instance may exist: from just before its spawn until its end was seen."""
    pid: int | None
    """None although `spawned`: the hive died between the spawn and this row's second write."""
    start_ticks: int | None
    boot_id: str | None
    port: int | None
    memory_limit_bytes: int | None = None
    shortage: str | None = None
    """What was insufficient, as JSON, when the row rests for that."""

    @property
    def spec(self) -> WorkerSpec:
        """What was asked for."""
        return WorkerSpec(
            self.id, self.model, self.slots, self.restart, self.token_interval_ms, self.memory_limit_bytes
        )

    @property
    def shortage_found(self) -> Shortage | None:
        """What was insufficient."""
        return Shortage.model_validate_json(self.shortage) if self.shortage is not None else None


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model's row: its file is complete, and its bytes match the hash."""

    ref: str
    size_bytes: int
    sha256: str
    created: int
    """Seconds since 1970."""


class Store:
    """Reads and writes the rows. Raises sqlite3.Error unchanged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        """The file's name without its folder, for logs."""
        self._database = Database(path, SCHEMA)

    async def open(self) -> None:
        """Open or create the file."""
        await self._database.open()

    async def close(self) -> None:
        """Finish what is queued and close the file."""
        await self._database.close()

    async def workers(self) -> list[StoredWorker]:
        """Return every worker's row. One that cannot be parsed is logged and left out."""
        rows = await self._database.run(lambda db: db.execute("SELECT * FROM workers ORDER BY id").fetchall())
        found: list[StoredWorker] = []
        for row in rows:
            try:
                found.append(worker_of(dict(row)))
            except ValueError as error:
                log.error("worker_row_unreadable", worker_id=row["id"], error=str(error))
        return found

    async def save_worker(self, worker: StoredWorker) -> None:
        """Insert or replace one row."""
        await self._database.run(lambda db: _put_worker(db, worker))

    async def remove_worker(self, worker_id: str) -> None:
        """Delete one row."""
        await self._database.run(lambda db: db.execute("DELETE FROM workers WHERE id = ?", (worker_id,)))

    async def models(self) -> list[StoredModel]:
        """Return every model's row."""
        rows = await self._database.run(lambda db: db.execute("SELECT * FROM models ORDER BY ref").fetchall())
        return [StoredModel(**dict(row)) for row in rows]

    async def save_model(self, model: StoredModel) -> None:
        """Insert or replace one row."""
        await self._database.run(lambda db: _put_model(db, model))

    async def remove_model(self, ref: str) -> None:
        """Delete one row."""
        await self._database.run(lambda db: db.execute("DELETE FROM models WHERE ref = ?", (ref,)))

    # For the recovery of a damaged file (daemons/hive/recovery).

    async def look(self, read: Callable[[sqlite3.Connection], Result]) -> Result:
        """Read the file as it is on disk now; see Database.look."""
        return await self._database.look(read)

    async def alone(self, work: Callable[[], Result]) -> Result:
        """Run `work` while no row is read or written."""
        return await self._database.alone(work)

    async def release(self) -> None:
        """Close the file for now: writes fail until it is opened again."""
        await self._database.release()

    async def begin_anew(self, models: Iterable[StoredModel], workers: Iterable[StoredWorker]) -> None:
        """Replace the file by a new one with these rows; see Database.begin_anew."""

        def fill(db: sqlite3.Connection) -> None:
            for model in models:
                _put_model(db, model)
            for worker in workers:
                _put_worker(db, worker)

        await self._database.begin_anew(fill)


def worker_of(row: Mapping[str, Any]) -> StoredWorker:
    """Return the worker that a row describes. Raises ValueError for an unknown state or policy."""
    values = dict(row)
    values["state"] = WorkerState(values["state"])
    values["restart"] = RestartPolicy(values["restart"])
    values["stopping"], values["spawned"] = bool(values["stopping"]), bool(values["spawned"])
    return StoredWorker(**values)


def _put_worker(db: sqlite3.Connection, worker: StoredWorker) -> None:
    values = [str(value) if isinstance(value, WorkerState | RestartPolicy) else value for value in astuple(worker)]
    db.execute(_insert("workers", StoredWorker), values)


def _put_model(db: sqlite3.Connection, model: StoredModel) -> None:
    db.execute(_insert("models", StoredModel), astuple(model))


def _insert(table: str, row: type[StoredWorker] | type[StoredModel]) -> str:
    names = [field.name for field in fields(row)]
    placeholders = ", ".join("?" for _ in names)
    return f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({placeholders})"  # noqa: S608 our own names
