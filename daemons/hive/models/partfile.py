"""A file that is being downloaded: its bytes go to a `.part`, and it gets its name when it is complete."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, TypeVar

from daemons.hive.refs import part_note_path, part_path

Result = TypeVar("Result")

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""No space, no quota, or over the file size limit: the file does not fit."""


class DiskError(Exception):
    """A failed disk access. `full` when the file does not fit; `reason` is the system's message."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.full = error.errno in _FULL
        self.reason = error.strerror or type(error).__name__


@dataclass(frozen=True, slots=True)
class Note:
    """The file that the bytes of a part belong to."""

    etag: str | None
    sha256: str
    size: int


class PartFile:
    """The part of one file, for `async with`. Every access runs in a thread, and ends before a cancellation does."""

    def __init__(self, path: Path, *, sha256: str, size: int) -> None:
        self._path = path
        self._part = part_path(path)
        self._note_path = part_note_path(path)
        self._wanted = Note(None, sha256, size)
        self._file: BinaryIO | None = None
        self.etag: str | None = None
        self.length = 0
        """How many bytes are there, including those of earlier tries and processes."""

    async def __aenter__(self) -> Self:
        await _in_thread(self._open)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _in_thread(self._close)

    async def begin(self, *, keep: int, etag: str | None) -> None:
        """Prepare for bytes of the version `etag`, from offset `keep` on. Raises DiskError."""
        await _in_thread(lambda: self._begin(keep, etag))

    async def write(self, chunk: bytes) -> None:
        """Append bytes. Raises DiskError."""
        await _in_thread(lambda: self._write(chunk))

    async def is_verified(self) -> bool:
        """Return whether the bytes are those of the wanted file, by count and hash."""
        if self.length != self._wanted.size:
            return False
        return await _in_thread(lambda: self._hash(self._part)) == self._wanted.sha256

    async def is_there(self) -> bool:
        """Return whether the complete file is there already under its own name, with the wanted hash."""
        return await _in_thread(self._is_there)

    async def finish(self) -> None:
        """Turn the part into the file: fsync it, rename it, fsync the folder. Raises DiskError."""
        await _in_thread(self._finish)

    async def discard(self) -> None:
        """Remove the part: its bytes are wrong, or no longer needed."""
        await _in_thread(self._discard)

    # In the thread.

    def _open(self) -> None:
        note = self._read_note()
        if note is None or (note.sha256, note.size) != (self._wanted.sha256, self._wanted.size):
            self._discard()
        self._file = self._part.open("ab")
        self.length = self._file.tell()
        self.etag = note.etag if note is not None and self.length else None
        if self.length > self._wanted.size:
            self._begin(0, None)

    def _close(self) -> None:
        if self._file is not None:
            # Bytes that cannot be flushed now are lost; the length is read again when the part is opened.
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def _read_note(self) -> Note | None:
        try:
            return Note(**json.loads(self._note_path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _begin(self, keep: int, etag: str | None) -> None:
        assert self._file is not None, "an open part"
        same_version = keep > 0 and etag == self.etag
        self._file.truncate(keep)
        self.length, self.etag = keep, etag
        if same_version:
            return
        # Before the first byte: the next process cannot resume bytes of an unknown version.
        self._note_path.write_text(json.dumps(asdict(Note(etag, self._wanted.sha256, self._wanted.size))), "utf-8")

    def _write(self, chunk: bytes) -> None:
        assert self._file is not None, "an open part"
        self._file.write(chunk)
        self._file.flush()
        self.length += len(chunk)

    def _is_there(self) -> bool:
        try:
            return self._path.stat().st_size == self._wanted.size and self._hash(self._path) == self._wanted.sha256
        except FileNotFoundError:
            return False

    def _hash(self, path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _finish(self) -> None:
        assert self._file is not None, "an open part"
        os.fsync(self._file.fileno())
        self._part.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._note_path.unlink(missing_ok=True)

    def _discard(self) -> None:
        self._close()
        self._part.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)
        self.length = 0


async def _in_thread(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread and wait for its end even when cancelled: its file must not be closed meanwhile."""
    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()  # retrieved, so that asyncio does not report it
        raise
    except OSError as error:
        raise DiskError(error) from error
