"""Reading rows from a damaged file, and deciding which models a new catalog may list.

Trusted are, in this order: the row that this hive has in memory (its bytes were verified when they were pulled); a row
that can still be read from the damaged file; a model file whose header has its name and length. Each only with a file
of exactly that length in the model folder.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from daemons.common.wire import is_model_ref
from daemons.hive.recovery.model_files import FoundFile
from daemons.hive.store import StoredModel, StoredWorker, worker_of

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Salvage:
    """The rows that can be read and are plausible."""

    models: dict[str, StoredModel] = field(default_factory=dict)
    workers: dict[str, StoredWorker] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settled:
    """The models of the new catalog, and where each row came from."""

    models: dict[str, StoredModel]
    salvaged: int
    rebuilt: int
    dropped: list[str]
    """References that were known or found, and cannot be trusted."""


def settle(
    salvaged: Mapping[str, StoredModel],
    remembered: Mapping[str, StoredModel] | None,
    files: Mapping[str, FoundFile],
) -> Settled:
    """Decide which models the new catalog has. `remembered` is None for a hive that has just started.

    A running hive knows its models: any other file is foreign, or of a pull that was killed before its row was written.
    """
    models: dict[str, StoredModel] = {}
    from_rows = 0
    known = {**salvaged, **dict.fromkeys(files)} if remembered is None else remembered
    for ref in known:
        row, file = salvaged.get(ref), files.get(ref)
        wanted = row if remembered is None else remembered[ref]
        if file is None:  # no row is trusted without its file
            continue
        if wanted is not None and wanted.size_bytes == file.size_bytes:
            models[ref] = wanted
            from_rows += row == wanted
        elif remembered is None and file.sha256 is not None:
            models[ref] = StoredModel(ref, file.size_bytes, file.sha256, file.created)
    dropped = sorted(set(known) - set(models))
    return Settled(models, from_rows, len(models) - from_rows, dropped)


def read_rows(connection: sqlite3.Connection) -> Salvage:
    """Read what can be read: each table from its beginning and from its end, up to the first damaged page."""
    salvage = Salvage()
    # With this SQLite also reads a file that is shorter than its header says (lockBtree in its btree.c).
    connection.execute("PRAGMA writable_schema = ON")
    for values in _scan(connection, "models"):
        if (model := sound_model(values)) is not None:
            salvage.models.setdefault(model.ref, model)
    for values in _scan(connection, "workers"):
        if (worker := sound_worker(values)) is not None:
            salvage.workers.setdefault(worker.id, worker)
    return salvage


def sound_model(values: Mapping[str, Any]) -> StoredModel | None:
    """Return the row if every field is plausible: a damaged page may contain anything."""
    match dict(values):
        case {"ref": str(ref), "size_bytes": int(size), "sha256": str(sha256), "created": int(created)}:
            if is_model_ref(ref) and size >= 0 and _SHA256.fullmatch(sha256):
                return StoredModel(ref, size, sha256, created)
    return None


def sound_worker(values: Mapping[str, Any]) -> StoredWorker | None:
    """Return the row if it can be a worker's: its enums are known, and its numbers are numbers."""
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
        with suppress(sqlite3.Error):  # the damaged page: the rows before it were read
            rows.extend(dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid {order}"))  # noqa: S608 our own names
    return rows
