"""What counts as damage of the hive's database. Pure: it decides about findings."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_RUINED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_OK: Final = "SQLITE_OK"
"""The code where SQLite reports no error: an empty file is a valid database to it."""


class DamageKind(StrEnum):
    """What happened to the file."""

    CORRUPT = "corrupt"
    """SQLite cannot read it."""
    EMPTIED = "emptied"
    """SQLite reads it, but the hive's tables are missing: truncated to nothing, or replaced by an empty one."""
    FOREIGN = "foreign"
    """It is a database of another program."""
    MISSING = "missing"
    """There is no file, although there should be one."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What is damaged, and how it was reported."""

    kind: DamageKind
    code: str
    message: str
    """SQLite's own wherever SQLite has one."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a fresh connection found in the file."""

    application_id: int
    user_version: int
    tables: frozenset[str]
    check: str
    """The first line of `PRAGMA quick_check`."""


def judge(found: Findings, *, application_id: int, tables: Collection[str]) -> Damage | None:
    """Return the damage; None for an intact database of this program, of whatever version."""
    missing = sorted(set(tables) - found.tables)
    if found.user_version == 0 and not found.tables:
        return Damage(DamageKind.EMPTIED, _OK, "the file is a valid empty database, without any table")
    if found.application_id != application_id:
        message = f"the file's application_id is {found.application_id}, expected {application_id}"
        return Damage(DamageKind.FOREIGN, _OK, message)
    if missing:
        return Damage(DamageKind.EMPTIED, _OK, f"no such table: {', '.join(missing)}")
    if found.check != "ok":
        return Damage(DamageKind.CORRUPT, "SQLITE_CORRUPT", found.check)
    return None


def judge_error(error: sqlite3.Error, *, exists: bool) -> Damage | None:
    """Return the damage; None when the error is not about the file: it is locked, or the disk does not respond."""
    code = getattr(error, "sqlite_errorcode", None)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if not exists:
        return Damage(DamageKind.MISSING, name, str(error))
    if code is not None and (code & 0xFF) in _RUINED:
        return Damage(DamageKind.CORRUPT, name, str(error))
    return None
