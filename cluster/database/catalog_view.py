"""A hive's database as its file has it, read by SQLite itself and not through the hive."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from beehave.journal import Journal


@dataclass(frozen=True)
class CatalogFile:
    """What SQLite found in the file."""

    integrity: list[str]
    """`["ok"]`, or what is wrong."""
    models: list[str]
    """The references in the `models` table."""
    worker_pids: list[int]
    """The processes in the `workers` table, in rising order."""


def read_catalog(journal: Journal, path: Path) -> CatalogFile:
    """Check and read a hive's database (`<data_dir>/hive.sqlite3`, docs/contract.md).

    When SQLite cannot read it, its message is the result of the check.
    """
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            integrity = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            models = [row[0] for row in connection.execute("SELECT ref FROM models ORDER BY ref")]
            pids = [row[0] for row in connection.execute("SELECT pid FROM workers WHERE pid IS NOT NULL ORDER BY pid")]
    except sqlite3.Error as error:
        integrity, models, pids = [str(error)], [], []
    found = CatalogFile(integrity, models, pids)
    journal.observe("database file", path=path.name, integrity=integrity, models=models, worker_pids=pids)
    return found
