"""The files in the model folder: which are there, and which can be verified without a row."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from daemons.common.safetensors import METADATA, read_header
from daemons.hive.refs import model_path, ref_of_file


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A complete model file in the folder."""

    size_bytes: int
    created: int
    """Seconds since 1970."""
    sha256: str | None = None
    """None where its bytes were not read."""


def files_in(folder: Path) -> dict[str, FoundFile]:
    """Return every file that is named like a model, by reference. Unfinished downloads have another name."""
    found: dict[str, FoundFile] = {}
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return found
    for path in paths:
        ref = ref_of_file(path)
        if ref is not None and path.is_file() and not path.is_symlink():
            status = path.stat()
            found[ref] = FoundFile(status.st_size, int(status.st_mtime))
    return found


def verified(folder: Path, files: dict[str, FoundFile], refs: Collection[str]) -> dict[str, FoundFile]:
    """Return the same files, with the SHA-256 of those of `refs` whose header has their name and length.

    Reads these files completely.
    """
    return {ref: _with_hash(folder, ref, file) if ref in refs else file for ref, file in files.items()}


def _with_hash(folder: Path, ref: str, file: FoundFile) -> FoundFile:
    try:
        with model_path(folder, ref).open("rb") as opened:
            if not header_fits(opened, ref, file.size_bytes):
                return file
            opened.seek(0)
            return FoundFile(file.size_bytes, file.created, hashlib.file_digest(opened, "sha256").hexdigest())
    except OSError:
        return file


def header_fits(file: BinaryIO, ref: str, size_bytes: int) -> bool:
    """Return whether a safetensors header names `ref`, and its tensors end exactly where the file does.

    The worker checks every tensor when it loads the model; this is enough to detect a truncated file.
    """
    try:
        header, data_start = read_header(file, size_bytes)
        named = header.pop(METADATA)["ref"]
        end = max((int(tensor["data_offsets"][1]) for tensor in header.values()), default=0)
    except (ValueError, KeyError, TypeError, IndexError):
        return False
    return bool(named == ref and data_start + end == size_bytes)
