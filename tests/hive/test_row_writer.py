"""Worker rows on disk: they follow memory, and a failed write stops no worker."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from daemons.common.wire import RestartPolicy, WorkerState
from daemons.hive.store import Store, StoredWorker
from daemons.hive.worker_spec import WorkerSpec
from daemons.hive.workers.facts import WorkerFacts
from daemons.hive.workers.row_writer import RowWriter
from tests.waiting import until_async

pytestmark = pytest.mark.anyio


def row(worker_id: str, *, spawned: bool = False) -> StoredWorker:
    facts = WorkerFacts(WorkerSpec(worker_id, "tiny:1b", slots=2, restart=RestartPolicy.ALWAYS, token_interval_ms=5))
    if spawned:
        process = facts.begin(pid=7)
        process.start_ticks, process.port = 9, 4000
    return facts.stored(spawned=spawned, stopping=False)


@dataclass
class Owner:
    """A supervisor, as far as the row writer knows it."""

    row: StoredWorker

    @property
    def id(self) -> str:
        return self.row.id

    def stored(self) -> StoredWorker:
        return self.row


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Store]:
    store = Store(folder / "hive.sqlite3")
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def test_rows_come_back_as_they_were(tmp_path):
    rows = [
        row("a"),
        row("b", spawned=True),
        replace(row("c"), state=WorkerState.FAILED, reason="crashed", stopping=True),
    ]
    async with opened(tmp_path) as store:
        for each in rows:
            await store.save_worker(each)
    async with opened(tmp_path) as store:
        assert await store.workers() == rows
        await store.remove_worker("b")
        assert await store.workers() == [rows[0], rows[2]]


async def test_a_row_without_a_process_has_no_identity_to_adopt_by():
    assert (row("a").spawned, row("a").pid, row("a").boot_id) == (False, None, None)
    spawned = row("a", spawned=True)
    assert (spawned.spawned, spawned.pid, spawned.start_ticks) == (True, 7, 9)


async def test_a_row_that_nobody_understands_is_left_out(tmp_path):
    async with opened(tmp_path) as store:
        await store.save_worker(row("a"))
        await store.save_worker(row("b"))
    with sqlite3.connect(tmp_path / "hive.sqlite3") as connection:
        connection.execute("UPDATE workers SET state = 'levitating' WHERE id = 'a'")
    connection.close()
    async with opened(tmp_path) as store:
        assert [each.id for each in await store.workers()] == ["b"]


async def test_the_disk_follows_memory(tmp_path):
    async with opened(tmp_path) as store:
        await store.save_worker(row("gone"))
        row_writer = RowWriter(store, retry_ms=10)
        row_writer.seed(await store.workers())
        owners = [Owner(row("a")), Owner(row("b"))]
        task = asyncio.create_task(row_writer.run(lambda: owners))
        row_writer.changed()
        await on_disk(store, ["a", "b"])
        owners[0].row = replace(owners[0].row, restarts=3)
        del owners[1]
        row_writer.changed()
        await on_disk(store, ["a"])
        assert [each.restarts for each in await store.workers()] == [3]
        task.cancel()
        await asyncio.wait([task])


async def test_a_disk_that_refuses_is_a_fault_that_heals(tmp_path, monkeypatch):
    async with opened(tmp_path) as store:
        row_writer = RowWriter(store, retry_ms=5)
        owners = [Owner(row("a"))]

        async def refuse(_: object) -> None:
            raise sqlite3.OperationalError("database is locked")

        with monkeypatch.context() as patch:
            patch.setattr(store, "save_worker", refuse)
            await row_writer.save(owners[0].row)
            assert row_writer.fault == "database is locked"
        task = asyncio.create_task(row_writer.run(lambda: owners))
        await on_disk(store, ["a"])
        task.cancel()
        await asyncio.wait([task])
        assert row_writer.fault is None


async def on_disk(store: Store, ids: list[str]) -> None:
    async def there() -> bool:
        return [each.id for each in await store.workers()] == ids

    await until_async(there, f"the rows {ids}")
    # The rows are read in the writer's own thread: whatever it was asked before is done.
    await store.workers()
