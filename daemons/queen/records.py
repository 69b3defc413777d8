"""The registry's database: its schema, the writes that change it, and what is read back at a start."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from daemons.common.logs import log
from daemons.common.wire import HiveLease, WorkerRow

SCHEMA = (
    """
    CREATE TABLE hives (
        id TEXT PRIMARY KEY,
        instance TEXT NOT NULL,
        url TEXT NOT NULL,
        version TEXT NOT NULL,
        state TEXT NOT NULL,
        last_seen TEXT NOT NULL,
        picture TEXT NOT NULL,
        revision INTEGER NOT NULL
    );
    CREATE TABLE workers (
        id TEXT PRIMARY KEY,
        hive_id TEXT NOT NULL,
        instance TEXT NOT NULL,
        model TEXT NOT NULL,
        state TEXT NOT NULL,
        pid INTEGER,
        changed TEXT NOT NULL,
        picture TEXT NOT NULL,
        revision INTEGER NOT NULL
    )
    """,
)
"""`revision` rises by one with each write, in the order in which the registry changed. `picture` is the JSON that
came from the hive; the other columns are for people and queries."""


class Write(Protocol):
    """One change of the registry that is to be stored."""

    def apply(self, connection: sqlite3.Connection, revision: int) -> None:
        """Make the change in the open transaction."""


@dataclass(frozen=True, slots=True)
class PutHive:
    """A new or changed hive. `last_seen`: wall clock, ISO 8601 in UTC."""

    hive_id: str
    state: str
    lease: HiveLease
    last_seen: str

    def apply(self, connection: sqlite3.Connection, revision: int) -> None:
        """Insert or replace the hive's row."""
        picture = self.lease.model_dump_json(exclude={"workers", "departed"})
        lease = self.lease
        connection.execute(
            "INSERT OR REPLACE INTO hives VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self.hive_id, lease.instance, lease.url, lease.version, self.state, self.last_seen, picture, revision),
        )


@dataclass(frozen=True, slots=True)
class DropHive:
    """A removed hive."""

    hive_id: str

    def apply(self, connection: sqlite3.Connection, revision: int) -> None:  # noqa: ARG002 the protocol's
        """Delete the hive's row."""
        connection.execute("DELETE FROM hives WHERE id = ?", (self.hive_id,))


@dataclass(frozen=True, slots=True)
class PutWorker:
    """A new or changed worker. `changed`: wall clock, ISO 8601 in UTC."""

    hive_id: str
    row: WorkerRow
    changed: str

    def apply(self, connection: sqlite3.Connection, revision: int) -> None:
        """Insert or replace the worker's row."""
        row = self.row
        fields = (row.id, self.hive_id, row.instance, row.model, row.state.value, row.pid, self.changed)
        connection.execute(
            "INSERT OR REPLACE INTO workers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*fields, row.model_dump_json(), revision),
        )


@dataclass(frozen=True, slots=True)
class DropWorker:
    """A removed worker."""

    worker_id: str

    def apply(self, connection: sqlite3.Connection, revision: int) -> None:  # noqa: ARG002 the protocol's
        """Delete the worker's row."""
        connection.execute("DELETE FROM workers WHERE id = ?", (self.worker_id,))


def write_all(connection: sqlite3.Connection, writes: Iterable[Write]) -> None:
    """Make the changes in their order, in the open transaction."""
    query = "SELECT max(revision) FROM (SELECT revision FROM hives UNION ALL SELECT revision FROM workers)"
    last: int = connection.execute(query).fetchone()[0] or 0
    for revision, write in enumerate(writes, start=last + 1):
        write.apply(connection, revision)


def replace_all(connection: sqlite3.Connection, snapshot: Sequence[Write]) -> None:
    """Store the whole registry, whatever the file held before."""
    connection.execute("DELETE FROM workers")
    connection.execute("DELETE FROM hives")
    write_all(connection, snapshot)


def read_all(connection: sqlite3.Connection) -> list[tuple[str, HiveLease]]:
    """Return every hive with its workers. An invalid row is skipped with a log line: its hive will lease again."""
    rows: dict[str, list[WorkerRow]] = {}
    for record in connection.execute("SELECT hive_id, id, picture FROM workers ORDER BY revision"):
        try:
            row = WorkerRow.model_validate_json(record["picture"])
        except ValidationError:
            log.warning("database_row_unreadable", table="workers", worker_id=record["id"])
            continue
        rows.setdefault(record["hive_id"], []).append(row)
    hives: list[tuple[str, HiveLease]] = []
    for record in connection.execute("SELECT id, picture FROM hives ORDER BY revision"):
        try:
            picture = json.loads(record["picture"])
            lease = HiveLease.model_validate(picture | {"workers": rows.get(record["id"], [])})
        except (ValueError, TypeError):  # no JSON, no object, or not a lease
            log.warning("database_row_unreadable", table="hives", hive_id=record["id"])
            continue
        hives.append((record["id"], lease))
    return hives


def count_rows(connection: sqlite3.Connection) -> int:
    """Return how many rows there are: the cheapest query that an empty or broken file cannot answer."""
    query = "SELECT (SELECT count(*) FROM hives) + (SELECT count(*) FROM workers)"
    count: int = connection.execute(query).fetchone()[0]
    return count
