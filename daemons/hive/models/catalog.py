"""The models of this hive: the rows, and the folder with their files. A file counts only when a row vouches for it.

Rows are written after their file is whole, proved and on disk, and removed before it: so a file without a row is one
that was killed half-way, or that a stranger put there. It is not trusted; a pull of that model proves its hash against
the hub's, and then saves the download.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.hive.models.hub import HubModel
from daemons.hive.models.refs import is_model_ref, model_path, part_note_path, part_path
from daemons.hive.store import Store, StoredModel


class Catalog:
    """The models that are here. `fault` is SQLite's own word while rows wait in memory for a disk that refuses them."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.fault: str | None = None
        # Absolute, since a worker is given this path and may have another current folder.
        self.folder = folder.resolve()
        self._store = store
        self._models: dict[str, StoredModel] = {}
        self._unwritten: set[str] = set()

    async def load(self) -> None:
        """Read the rows. One whose file is missing, or has another size, is dropped: the model must be pulled again.

        Raises:
            sqlite3.Error: the rows cannot be read.
        """
        for model in await self._store.models():
            if self._has_file(model):
                self._models[model.ref] = model
            else:
                log.warning("model_file_lost", model=model.ref, size_bytes=model.size_bytes)
                await self._store.remove_model(model.ref)

    def __iter__(self) -> Iterator[StoredModel]:
        return iter(sorted(self._models.values(), key=lambda model: model.ref))

    def __contains__(self, ref: object) -> bool:
        return ref in self._models

    def get(self, ref: str) -> StoredModel | None:
        """The row of a model, or None."""
        return self._models.get(ref)

    def path_of(self, ref: str) -> Path | None:
        """The file of a model that is here, or None."""
        return self.file_of(ref) if ref in self._models else None

    def file_of(self, ref: str) -> Path:
        """Where the file of a model is, or is to be."""
        return model_path(self.folder, ref)

    def part_bytes(self, ref: str) -> int:
        """How much of a model an unfinished download has brought already."""
        try:
            return part_path(self.file_of(ref)).stat().st_size
        except OSError:
            return 0

    async def add(self, model: HubModel) -> None:
        """Register a model whose file is whole and in place. When the disk refuses the row, memory has it for now."""
        self._models[model.ref] = StoredModel(model.ref, model.size_bytes, model.sha256, int(time.time()))
        self._unwritten.add(model.ref)
        log.info("model_registered", model=model.ref, size_bytes=model.size_bytes, sha256=model.sha256)
        await self.flush()

    async def remove(self, ref: str) -> None:
        """Forget a model, its file, and what a pull of it may have left.

        Raises:
            ApiError: 404 when nothing of it is here.
        """
        path = self.file_of(ref)
        leftovers = [each for each in (path, part_path(path), part_note_path(path)) if each.exists()]
        if ref not in self._models and not leftovers:
            raise ApiError(ErrorCode.MODEL_NOT_FOUND, f"this hive has no model {ref}")
        self._models.pop(ref, None)
        self._unwritten.discard(ref)
        await self._try(self._store.remove_model(ref))
        for each in leftovers:
            each.unlink(missing_ok=True)
        log.info("model_removed", model=ref)

    async def flush(self) -> None:
        """Write the rows that only memory has; called again from time to time while the disk refuses."""
        for ref in sorted(self._unwritten):
            model = self._models.get(ref)
            if model is None or await self._try(self._store.save_model(model)):
                self._unwritten.discard(ref)

    def _has_file(self, model: StoredModel) -> bool:
        try:
            return is_model_ref(model.ref) and self.file_of(model.ref).stat().st_size == model.size_bytes
        except OSError:
            return False

    async def _try(self, write: Awaitable[None]) -> bool:
        try:
            await write
        except sqlite3.Error as error:
            if self.fault is None:
                log.error("model_rows_not_written", error=str(error), file=self._store.name)
            self.fault = str(error)
            return False
        self.fault = None
        return True
