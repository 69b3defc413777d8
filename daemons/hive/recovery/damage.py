"""What counts as damage of the hive's database: decided from what was found, without looking itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_RUINED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_OK: Final = "SQLITE_OK"
"""The code where SQLite itself has no objection: an empty file is a valid database to it."""


class DamageKind(StrEnum):
    """What became of the file."""

    CORRUPT = "corrupt"
    """SQLite refuses it."""
    EMPTIED = "emptied"
    """SQLite accepts it, but the hive's tables are not in it: truncated to nothing, or replaced by an empty one."""
    FOREIGN = "foreign"
    """It is a database of another program."""
    MISSING = "missing"
    """There is no file, although there should be."""


@dataclass(frozen=True, slots=True)
class Damage:
    """The verdict. `message` is SQLite's own wherever SQLite had one."""

    kind: DamageKind
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What a fresh connection found in the file."""

    application_id: int
    user_version: int
    tables: frozenset[str]
    check: str
    """The first line of `PRAGMA quick_check`."""


def judge(found: Findings, *, application_id: int, tables: Collection[str]) -> Damage | None:
    """None when the file is a whole database of this program, of whatever version."""
    missing = sorted(set(tables) - found.tables)
    if found.user_version == 0 and not found.tables:
        return Damage(DamageKind.EMPTIED, _OK, "the file is a valid empty database, without any table")
    if found.application_id != application_id:
        words = f"the file's application_id is {found.application_id}, expected {application_id}"
        return Damage(DamageKind.FOREIGN, _OK, words)
    if missing:
        return Damage(DamageKind.EMPTIED, _OK, f"no such table: {', '.join(missing)}")
    if found.check != "ok":
        return Damage(DamageKind.CORRUPT, "SQLITE_CORRUPT", found.check)
    return None


def judge_error(error: sqlite3.Error, *, exists: bool) -> Damage | None:
    """None when the error says nothing about the file: it is locked, or the disk does not answer at this moment."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if not exists:
        return Damage(DamageKind.MISSING, name, str(error))
    if code is not None and (code & 0xFF) in _RUINED:
        return Damage(DamageKind.CORRUPT, name, str(error))
    return None
