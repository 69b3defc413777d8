"""The models of this hive: the rows, and the folder with their files. A file counts only when a row vouches for it.

Rows are written after their file is whole, proved and on disk, and removed before it: so a file without a row is one
that was killed half-way, or that a stranger put there. It is not trusted; a pull of that model proves its hash against
the hub's, and then saves the download.

The file of the rows is looked at before it is asked for or written to; a damaged one is mended (daemons/hive/recovery)
while memory serves on.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.hive.models.hub import HubModel
from daemons.hive.models.refs import is_model_ref, model_path, part_note_path, part_path
from daemons.hive.recovery.mender import Mender
from daemons.hive.store import Store, StoredModel, StoredWorker


class Catalog:
    """The models that are here. `fault` is SQLite's own word while rows wait in memory for a disk that refuses them."""

    def __init__(self, store: Store, folder: Path, mender: Mender) -> None:
        self.fault: str | None = None
        # Absolute, since a worker is given this path and may have another current folder.
        self.folder = folder.resolve()
        self._store = store
        self._models: dict[str, StoredModel] = {}
        self._unwritten: set[str] = set()  # rows that the disk has otherwise than memory, or not at all
        self._mender = mender
        self._verifying = asyncio.Lock()

    async def open(self) -> list[StoredWorker]:
        """Open the file and read the rows, mending what is damaged; returns the rows of the workers.

        Raises:
            sqlite3.Error: the file is whole, as far as can be told, and cannot be used.
            FatalError: exit 5, it is of a newer version than this program.
        """
        async with self._verifying:
            damage = await self._mender.look_at_start()
            if damage is not None:
                mended = await self._mender.mend(damage, None)
                self._models = dict(mended.models)
                self._written(mended.models)
                return mended.workers
            await self._mender.look_for_kept()
            await self._store.open()
            await self.load()
            return await self._store.workers()

    async def verify(self) -> None:
        """See whether the file is still what was written; mend it when it is damaged. Memory serves on meanwhile."""
        async with self._verifying:
            try:
                await self._verify()
            except sqlite3.Error as error:
                self._refused(error)
            else:
                self.fault = self.fault if self._unwritten else None

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
        await self.verify()
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
        self._unwritten.add(ref)
        await self.verify()
        await self.flush()
        for each in leftovers:
            each.unlink(missing_ok=True)
        log.info("model_removed", model=ref)

    async def tend(self) -> None:
        """From time to time: try again what the disk has refused, and see whether broken files were taken away."""
        if self._mender.in_memory is not None or self.fault is not None:
            await self.verify()
            await self.flush()
        await self._mender.look_for_kept()

    async def flush(self) -> None:
        """Let the disk follow memory, as far as it does not yet."""
        for ref in sorted(self._unwritten):
            model = self._models.get(ref)
            written = await self._try(self._store.save_model(model) if model else self._store.remove_model(ref))
            # What has changed in memory meanwhile is still to be written, by whoever changed it.
            if written and self._models.get(ref) is model:
                self._unwritten.discard(ref)

    async def _verify(self) -> None:
        damage = await self._mender.look()
        if damage is not None:
            remembered = dict(self._models)
            mended = await self._mender.mend(damage, remembered)
            for ref in remembered.keys() - mended.models.keys():
                self._models.pop(ref, None)
            self._written(mended.models)
        elif self._mender.in_memory is not None:
            await self._store.open()
            self._mender.found_whole()
            self._unwritten.update(self._models)

    def _written(self, rows: dict[str, StoredModel]) -> None:
        """The mended file has these rows, if the disk took it at all."""
        on_disk = {} if self._mender.in_memory is not None else rows
        differing = {ref for ref, model in self._models.items() if on_disk.get(ref) != model}
        self._unwritten = differing | (on_disk.keys() - self._models.keys())

    def _has_file(self, model: StoredModel) -> bool:
        try:
            return is_model_ref(model.ref) and self.file_of(model.ref).stat().st_size == model.size_bytes
        except OSError:
            return False

    async def _try(self, write: Awaitable[None]) -> bool:
        try:
            await write
        except sqlite3.Error as error:
            self._refused(error)
            return False
        self.fault = None
        return True

    def _refused(self, error: sqlite3.Error) -> None:
        if self.fault is None:
            log.error("model_rows_not_written", error=str(error), file=self._store.name)
        self.fault = str(error)
