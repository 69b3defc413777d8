"""Quarantine: damaged database files are kept, so that an operator can examine them or recover more."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A copy of a damaged file."""

    name: str
    sha256: str


def quarantine_name(database: str, present: Iterable[str]) -> str:
    """Return the name for the next damaged file: `<database>.corrupt-<n>`, one above the highest present."""
    pattern = re.compile(re.escape(database) + r"\.corrupt-([1-9][0-9]*)")
    numbers = [int(found[1]) for name in present if (found := pattern.fullmatch(name))]
    return f"{database}.corrupt-{max(numbers, default=0) + 1}"


def quarantined_files(database: Path) -> list[str]:
    """Return the names of the damaged files beside the database, oldest first."""
    pattern = re.compile(re.escape(database.name) + r"\.corrupt-[1-9][0-9]*")
    try:
        found = [path.name for path in database.parent.iterdir() if pattern.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(found, key=lambda name: int(name.rpartition("-")[2]))


def quarantine(database: Path) -> Quarantined:
    """Copy the file byte by byte, with its write-ahead log unless that is empty. The database must be idle.

    A copy instead of a rename: closing SQLite's connection may still write to the file of that name.

    Raises:
        OSError: the copy failed, and nothing is left of it.
    """
    copy = database.with_name(quarantine_name(database.name, quarantined_files(database)))
    log, log_copy = (path.with_name(f"{path.name}-wal") for path in (database, copy))
    try:
        if log.exists() and log.stat().st_size:
            _copy(log, log_copy)
        digest = _copy(database, copy)
    except OSError:
        copy.unlink(missing_ok=True)
        log_copy.unlink(missing_ok=True)
        raise
    return Quarantined(copy.name, digest)


def _copy(source: Path, target: Path) -> str:
    """Copy, with fsync; return the SHA-256 of what was written."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()
