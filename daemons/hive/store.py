"""The hive's memory on disk: the rows of its workers and of its models, in `hive.sqlite3`."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

from daemons.common.database import Database
from daemons.common.logs import log
from daemons.common.wire import WorkerState
from daemons.hive.machine import boot_id
from daemons.hive.workers.facts import WorkerFacts, WorkerSpec
from daemons.hive.workers.states import RestartWhen

SCHEMA: Final = (
    """
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
        instance TEXT,
        pid INTEGER,
        start_ticks INTEGER,
        boot_id TEXT,
        port INTEGER
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
    """A worker's row on disk: enough to find its process again, and to know what was wanted of it."""

    id: str
    model: str
    slots: int
    restart: RestartWhen
    token_interval_ms: int
    state: WorkerState
    reason: str | None
    detail: str | None
    restarts: int
    stopping: bool
    instance: str | None
    """That of the present process; None while there is none."""
    pid: int | None
    """None although there is an instance: the hive died between the spawn and this row's second write."""
    start_ticks: int | None
    boot_id: str | None
    port: int | None

    @classmethod
    def of(cls, facts: WorkerFacts, *, spawned: bool, stopping: bool) -> StoredWorker:
        """The row of a worker as it is now; `spawned` from just before its process is started until that has ended."""
        spec, process = facts.spec, facts.process if spawned else None
        return cls(
            id=spec.id,
            model=spec.model,
            slots=spec.slots,
            restart=spec.restart,
            token_interval_ms=spec.token_interval_ms,
            state=facts.state,
            reason=facts.reason,
            detail=facts.detail,
            restarts=facts.restarts,
            stopping=stopping,
            instance=facts.instance if spawned else None,
            pid=process.pid if process else None,
            start_ticks=process.start_ticks if process else None,
            boot_id=boot_id() if process else None,
            port=process.port if process else None,
        )

    @property
    def spec(self) -> WorkerSpec:
        """What was asked for."""
        return WorkerSpec(self.id, self.model, self.slots, self.restart, self.token_interval_ms)


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model's row: its file is whole, and its bytes were proved against the hash."""

    ref: str
    size_bytes: int
    sha256: str
    created: int
    """Seconds since 1970."""


class Store:
    """Rows, read at the start and written through. Raises sqlite3.Error as SQLite says it."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        """The file's name, for logs: never its folder."""
        self._database = Database(path, SCHEMA)

    async def open(self) -> None:
        """Open or create the file."""
        await self._database.open()

    async def close(self) -> None:
        """Finish what was asked and close the file."""
        await self._database.close()

    async def workers(self) -> list[StoredWorker]:
        """Every worker's row. One that cannot be understood (another program wrote it) is logged and left out."""
        rows = await self._database.run(lambda db: db.execute("SELECT * FROM workers ORDER BY id").fetchall())
        found: list[StoredWorker] = []
        for row in rows:
            try:
                found.append(_worker(row))
            except ValueError as error:
                log.error("worker_row_unreadable", worker_id=row["id"], error=str(error))
        return found

    async def save_worker(self, worker: StoredWorker) -> None:
        """Insert or replace one row."""
        statement = _insert("workers", StoredWorker)
        values = tuple(
            str(value) if isinstance(value, WorkerState | RestartWhen) else value for value in astuple(worker)
        )
        await self._database.run(lambda db: db.execute(statement, values))

    async def remove_worker(self, worker_id: str) -> None:
        """Forget one row."""
        await self._database.run(lambda db: db.execute("DELETE FROM workers WHERE id = ?", (worker_id,)))

    async def models(self) -> list[StoredModel]:
        """Every model's row."""
        rows = await self._database.run(lambda db: db.execute("SELECT * FROM models ORDER BY ref").fetchall())
        return [StoredModel(**dict(row)) for row in rows]

    async def save_model(self, model: StoredModel) -> None:
        """Insert or replace one row."""
        statement = _insert("models", StoredModel)
        await self._database.run(lambda db: db.execute(statement, astuple(model)))

    async def remove_model(self, ref: str) -> None:
        """Forget one row."""
        await self._database.run(lambda db: db.execute("DELETE FROM models WHERE ref = ?", (ref,)))


def _worker(row: sqlite3.Row) -> StoredWorker:
    values = dict(row)
    values["state"] = WorkerState(values["state"])
    values["restart"] = RestartWhen(values["restart"])
    values["stopping"] = bool(values["stopping"])
    return StoredWorker(**values)


def _insert(table: str, row: type[StoredWorker] | type[StoredModel]) -> str:
    names = [field.name for field in fields(row)]
    places = ", ".join("?" for _ in names)
    return f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608 our own names
