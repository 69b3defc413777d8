"""The models of this hive: the rows, and the folder with their files. A file counts only when it has a row.

A row is written after its file is complete, verified and on disk, and removed before it. So a file without a row is of
an interrupted pull, or foreign. It is not trusted, but a pull of that model compares its hash with the hub's first, and
then needs no download.

The database file is checked before it is read or written; a damaged one is repaired (daemons/hive/recovery), and the
rows in memory are served meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import is_model_ref
from daemons.hive.models.hub import HubModel
from daemons.hive.recovery.repair import DatabaseRepair
from daemons.hive.refs import model_path, part_note_path, part_path
from daemons.hive.store import Store, StoredModel, StoredWorker


class Catalog:
    """The models that are here, in memory and on disk."""

    def __init__(self, store: Store, folder: Path, repair: DatabaseRepair) -> None:
        self.fault: str | None = None
        """SQLite's message while rows cannot be written."""
        # Absolute, since a worker is given this path and may have another current folder.
        self.folder = folder.resolve()
        self._store = store
        self._models: dict[str, StoredModel] = {}
        self._unwritten: set[str] = set()
        """Models whose rows differ on disk, or are missing there."""
        self._repair = repair
        self._verifying = asyncio.Lock()

    async def open(self) -> list[StoredWorker]:
        """Open the database, repair it if it is damaged, read the models, and return the rows of the workers.

        Raises:
            sqlite3.Error: the file cannot be used, and no damage was found.
            FatalError: exit 5, it is of a newer version than this program.
        """
        async with self._verifying:
            damage = await self._repair.check_at_start()
            if damage is not None:
                repaired = await self._repair.repair(damage, None)
                self._models = dict(repaired.models)
                self._written(repaired.models)
                return repaired.workers
            await self._repair.find_quarantined()
            await self._store.open()
            await self.load()
            return await self._store.workers()

    async def verify(self) -> None:
        """Check the database file, and repair it when it is damaged."""
        async with self._verifying:
            try:
                await self._verify()
            except sqlite3.Error as error:
                self._not_written(error)
            else:
                self.fault = self.fault if self._unwritten else None

    async def load(self) -> None:
        """Read the rows. One whose file is missing or has another size is deleted: the model must be pulled again.

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
        """Return the row of a model, or None."""
        return self._models.get(ref)

    def path_of(self, ref: str) -> Path | None:
        """Return the file of a model that is here, or None."""
        return self.file_of(ref) if ref in self._models else None

    def file_of(self, ref: str) -> Path:
        """Return the path of a model's file, whether it is there or not."""
        return model_path(self.folder, ref)

    def part_bytes(self, ref: str) -> int:
        """Return how much of a model an unfinished download has left."""
        try:
            return part_path(self.file_of(ref)).stat().st_size
        except OSError:
            return 0

    async def add(self, model: HubModel) -> None:
        """Register a model whose file is complete and in place. A row that cannot be written stays in memory."""
        self._models[model.ref] = StoredModel(model.ref, model.size_bytes, model.sha256, int(time.time()))
        self._unwritten.add(model.ref)
        log.info("model_registered", model=model.ref, size_bytes=model.size_bytes, sha256=model.sha256)
        await self.verify()
        await self.flush()

    async def remove(self, ref: str) -> None:
        """Remove a model, its file, and what a pull of it may have left.

        Raises:
            ApiError: 404 when nothing of it is here.
        """
        path = self.file_of(ref)
        leftovers = [each for each in (path, part_path(path), part_note_path(path)) if each.exists()]
        if ref not in self._models and not leftovers:
            raise ApiError(ErrorCode.MODEL_NOT_FOUND, f"this hive has no model {ref}")
        # The row goes first: a hive that is killed in between has a file without a row, which it does not trust.
        self._models.pop(ref, None)
        self._unwritten.add(ref)
        await self.verify()
        await self.flush()
        for each in leftovers:
            each.unlink(missing_ok=True)
        log.info("model_removed", model=ref)

    async def maintain(self) -> None:
        """Repeat what could not be written, and look which quarantined files are left. Called periodically."""
        if self._repair.in_memory is not None or self.fault is not None:
            await self.verify()
            await self.flush()
        await self._repair.find_quarantined()

    async def flush(self) -> None:
        """Write the rows that differ on disk."""
        for ref in sorted(self._unwritten):
            model = self._models.get(ref)
            written = await self._try(self._store.save_model(model) if model else self._store.remove_model(ref))
            # A row that changed during the write differs again: it stays listed.
            if written and self._models.get(ref) is model:
                self._unwritten.discard(ref)

    async def _verify(self) -> None:
        damage = await self._repair.check()
        if damage is not None:
            remembered = dict(self._models)
            repaired = await self._repair.repair(damage, remembered)
            for ref in remembered.keys() - repaired.models.keys():
                self._models.pop(ref, None)
            self._written(repaired.models)
        elif self._repair.in_memory is not None:
            await self._store.open()
            self._repair.found_intact()
            self._unwritten.update(self._models)

    def _written(self, rows: dict[str, StoredModel]) -> None:
        """Note that the repaired file has these rows, unless it could not be written."""
        on_disk = {} if self._repair.in_memory is not None else rows
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
            self._not_written(error)
            return False
        self.fault = None
        return True

    def _not_written(self, error: sqlite3.Error) -> None:
        if self.fault is None:
            log.error("model_rows_not_written", error=str(error), file=self._store.name)
        self.fault = str(error)
