"""Getting rows out of a broken file, and deciding which models a new catalog may list.

What is trusted, strongest first: the row that this hive has in memory (its bytes were proved when they were pulled); a
row that can still be read from the broken file; a model file that names itself in a header which fits its length. Each
only with a file of exactly that length in the model folder.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from daemons.hive.models.refs import is_model_ref
from daemons.hive.store import StoredModel, StoredWorker, worker_of

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Salvage:
    """The rows that can be read and make sense."""

    models: dict[str, StoredModel] = field(default_factory=dict)
    workers: dict[str, StoredWorker] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A whole model file in the folder. `sha256` is None where its bytes were not read."""

    size_bytes: int
    created: int
    """Seconds since 1970."""
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What the new catalog holds, and where each row came from."""

    models: dict[str, StoredModel]
    salvaged: int
    rebuilt: int
    dropped: list[str]
    """References that were known or found, and that nothing vouches for."""


def settle(
    salvaged: Mapping[str, StoredModel],
    remembered: Mapping[str, StoredModel] | None,
    files: Mapping[str, FoundFile],
) -> Settled:
    """Decide which models the new catalog has. `remembered` is None for a hive that has just started.

    A running hive knows what it had: a file beyond that is a stranger's, or a pull's that was killed half-way.
    """
    models: dict[str, StoredModel] = {}
    from_rows = 0
    known = {**salvaged, **dict.fromkeys(files)} if remembered is None else remembered
    for ref in known:
        row, file = salvaged.get(ref), files.get(ref)
        wanted = row if remembered is None else remembered[ref]
        if file is None:
            continue
        if wanted is not None and wanted.size_bytes == file.size_bytes:
            models[ref] = wanted
            from_rows += row == wanted
        elif remembered is None and file.sha256 is not None:
            models[ref] = StoredModel(ref, file.size_bytes, file.sha256, file.created)
    dropped = sorted(set(known) - set(models))
    return Settled(models, from_rows, len(models) - from_rows, dropped)


def read_rows(connection: sqlite3.Connection) -> Salvage:
    """Read what can be read: each table from its beginning and from its end, up to the first page that is broken."""
    salvage = Salvage()
    # With this SQLite reads what is there of a file that is shorter than its header says (lockBtree in its btree.c).
    connection.execute("PRAGMA writable_schema = ON")
    for values in _scan(connection, "models"):
        if (model := sound_model(values)) is not None:
            salvage.models.setdefault(model.ref, model)
    for values in _scan(connection, "workers"):
        if (worker := sound_worker(values)) is not None:
            salvage.workers.setdefault(worker.id, worker)
    return salvage


def sound_model(values: Mapping[str, Any]) -> StoredModel | None:
    """The row, if every field of it can be what it claims; a broken page may give anything."""
    match dict(values):
        case {"ref": str(ref), "size_bytes": int(size), "sha256": str(sha256), "created": int(created)}:
            if is_model_ref(ref) and size >= 0 and _SHA256.fullmatch(sha256):
                return StoredModel(ref, size, sha256, created)
    return None


def sound_worker(values: Mapping[str, Any]) -> StoredWorker | None:
    """The row, if it can be a worker's: its words are known ones, and its numbers are numbers."""
    numbers = ("slots", "token_interval_ms", "restarts", "stopping", "spawned")
    maybe_numbers = ("pid", "start_ticks", "port")
    texts = ("id", "model", "instance")
    try:
        sound = (
            all(isinstance(values[name], int) for name in numbers)
            and all(isinstance(values[name], int | None) for name in maybe_numbers)
            and all(isinstance(values[name], str) and values[name] for name in texts)
        )
        return worker_of(values) if sound else None
    except (KeyError, ValueError, TypeError):
        return None


def _scan(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for order in ("ASC", "DESC"):
        with suppress(sqlite3.Error):  # the broken page: what came before it is there
            rows.extend(dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid {order}"))  # noqa: S608 our own names
    return rows
