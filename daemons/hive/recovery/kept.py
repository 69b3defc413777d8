"""Broken database files that are kept aside, so that somebody can look at them or get more out of them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A copy of a broken file."""

    name: str
    sha256: str


def kept_name(database: str, present: Iterable[str]) -> str:
    """The name for the next broken file: `<database>.corrupt-<n>`, one above the highest that is present."""
    pattern = re.compile(re.escape(database) + r"\.corrupt-([1-9][0-9]*)")
    numbers = [int(found[1]) for name in present if (found := pattern.fullmatch(name))]
    return f"{database}.corrupt-{max(numbers, default=0) + 1}"


def kept_files(database: Path) -> list[str]:
    """The names of the broken files that lie beside the database, oldest first."""
    pattern = re.compile(re.escape(database.name) + r"\.corrupt-[1-9][0-9]*")
    try:
        found = [path.name for path in database.parent.iterdir() if pattern.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(found, key=lambda name: int(name.rpartition("-")[2]))


def keep_aside(database: Path) -> Kept:
    """Copy the file byte by byte, with its write-ahead log if that holds anything. The database must be idle.

    A copy and not a rename: closing SQLite's connection may still write into the file of that name.

    Raises:
        OSError: the disk refuses; nothing is left of the copy.
    """
    copy = database.with_name(kept_name(database.name, kept_files(database)))
    log, log_copy = (path.with_name(f"{path.name}-wal") for path in (database, copy))
    try:
        if log.exists() and log.stat().st_size:
            _copy(log, log_copy)
        digest = _copy(database, copy)
    except OSError:
        copy.unlink(missing_ok=True)
        log_copy.unlink(missing_ok=True)
        raise
    return Kept(copy.name, digest)


def _copy(source: Path, target: Path) -> str:
    """Copy onto the disk; returns the SHA-256 of what was written."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()
