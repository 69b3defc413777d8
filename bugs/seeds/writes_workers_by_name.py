"""What waited for the database is written worker by worker, by name, and not in the order in which it changed.

Imagined (changes of one row are folded into its last, in a sorted table).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from daemons.queen.records import Write

ROLE = "queen"
PATCHES = "daemons.queen.store:write_all"
CAUGHT_BY = ["features/integration/database_failure.feature::The queen's database is locked"]


def _name(write: Any) -> str:
    row = getattr(write, "row", None)
    return str(row.id if row is not None else getattr(write, "worker_id", ""))


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """By name."""

    def write_all(connection: sqlite3.Connection, writes: Iterable[Write]) -> None:
        original(connection, sorted(writes, key=_name))

    return write_all
