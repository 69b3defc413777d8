"""Pulls into the catalog: one download however many requests, and rows that are true."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemons.common.client import PeerClient
from daemons.common.durations import Durations
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.metrics import Metrics
from daemons.hive.metrics import HiveCounters
from daemons.hive.models.catalog import Catalog
from daemons.hive.models.hub import Hub
from daemons.hive.models.pulls import Pulls
from daemons.hive.recovery.repair import DatabaseRepair
from daemons.hive.store import Store

from .hubs import CONTENT, ScriptedHub, serving

pytestmark = pytest.mark.anyio

DURATIONS = Durations(download_stall_ms=500, download_backoff_ms=1, download_tries=2)
REF = "tiny:1b"


@dataclass
class Models:
    """What a hive has about models."""

    hub: ScriptedHub
    store: Store
    catalog: Catalog
    pulls: Pulls
    metrics: Metrics

    def outcomes(self) -> dict[str, float]:
        return {
            sample.labels["outcome"]: sample.value
            for family in self.metrics.registry.collect()
            if family.name == "hive_downloads"
            for sample in family.samples
        }


@asynccontextmanager
async def models(folder: Path, *script: str, with_hub: bool = True) -> AsyncIterator[Models]:
    async with serving(ScriptedHub(script=list(script))) as hub, PeerClient("127.0.0.1", DURATIONS) as client:
        store = Store(folder / "hive.sqlite3")
        await store.open()
        metrics = Metrics("hive")
        counters = HiveCounters(metrics)
        catalog = Catalog(store, folder, DatabaseRepair(store, folder, counters, lambda: None))
        await catalog.load()
        hub_client = Hub(client, hub.url, DURATIONS) if with_hub else None
        pulls = Pulls(catalog, hub_client, DURATIONS, counters.downloads)
        try:
            yield Models(hub, store, catalog, pulls, metrics)
        finally:
            await pulls.cancel_all()
            await store.close()


async def test_ten_who_ask_are_served_by_one_download(tmp_path):
    async with models(tmp_path) as it:
        paths = await asyncio.gather(*(it.pulls.obtain(REF) for _ in range(10)))
        assert {path.read_bytes() == CONTENT for path in paths} == {True}
        assert len(it.hub.requests) == 1
        assert await it.pulls.ensure(REF) is None, "a hit does no download"
        assert it.outcomes() == {"done": 1, "failed": 0, "cancelled": 0}


async def test_the_row_is_there_when_the_file_is(tmp_path):
    async with models(tmp_path) as it:
        await it.pulls.obtain(REF)
        (row,) = await it.store.models()
        assert (row.ref, row.size_bytes, row.sha256) == (REF, len(CONTENT), it.hub.sha256)


async def test_one_who_gives_up_does_not_end_it_for_the_others(tmp_path):
    async with models(tmp_path, "hold 1000") as it:
        one, other = asyncio.create_task(it.pulls.obtain(REF)), asyncio.create_task(it.pulls.obtain(REF))
        pull = await it.pulls.ensure(REF)
        assert pull is not None
        await pull.changes.until(lambda: pull.progress.received_bytes > 0, within_ms=2_000)
        one.cancel()
        it.hub.proceed.set()
        assert (await other).read_bytes() == CONTENT


async def test_what_neither_catalog_nor_hub_has(tmp_path):
    async with models(tmp_path) as it:
        with pytest.raises(ApiError) as caught:
            await it.pulls.ensure("unknown")
        assert caught.value.code is ErrorCode.MODEL_NOT_FOUND
    async with models(tmp_path, with_hub=False) as it:
        with pytest.raises(ApiError) as caught:
            await it.pulls.ensure(REF)
        assert caught.value.code is ErrorCode.MODEL_NOT_FOUND


async def test_what_cannot_fit_is_refused_before_a_byte(tmp_path):
    async with models(tmp_path) as it:
        it.hub.announced = {"size_bytes": 1 << 60}
        with pytest.raises(ApiError) as caught:
            await it.pulls.ensure(REF)
        assert caught.value.code is ErrorCode.STORAGE_FULL
        assert it.hub.requests == []


async def test_a_failed_pull_says_why_and_can_be_asked_for_again(tmp_path):
    async with models(tmp_path, "status 503", "status 503") as it:
        with pytest.raises(ApiError):
            await it.pulls.obtain(REF)
        pull = it.pulls.find(REF)
        assert pull is not None
        shown = pull.snapshot()
        assert (shown.state, shown.error and shown.error.code, shown.tries) == ("failed", "hub_unavailable", 2)
        assert REF not in it.catalog
        assert (await it.pulls.obtain(REF)).read_bytes() == CONTENT
        assert it.outcomes() == {"done": 1, "failed": 1, "cancelled": 0}


async def test_a_cancelled_pull_keeps_its_part_until_it_is_removed(tmp_path):
    async with models(tmp_path, "hold 1000") as it:
        pull = await it.pulls.ensure(REF)
        assert pull is not None
        await pull.changes.until(lambda: pull.progress.received_bytes > 0, within_ms=2_000)
        await it.pulls.cancel(REF)
        assert it.catalog.part_bytes(REF) == 1_000
        await it.catalog.remove(REF)
        assert it.catalog.part_bytes(REF) == 0
        assert it.outcomes() == {"done": 0, "failed": 0, "cancelled": 1}


async def test_a_removed_model_is_gone_and_removing_it_twice_says_so(tmp_path):
    async with models(tmp_path) as it:
        path = await it.pulls.obtain(REF)
        await it.catalog.remove(REF)
        assert not path.exists()
        assert await it.store.models() == []
        with pytest.raises(ApiError) as caught:
            await it.catalog.remove(REF)
        assert caught.value.code is ErrorCode.MODEL_NOT_FOUND


@pytest.mark.parametrize("damage", ["missing", "short"])
async def test_a_row_whose_file_is_lost_is_dropped_at_the_start(tmp_path, damage):
    async with models(tmp_path) as it:
        path = await it.pulls.obtain(REF)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(CONTENT[:-1])
    async with models(tmp_path) as it:
        assert REF not in it.catalog
        assert await it.store.models() == []
        assert (await it.pulls.obtain(REF)).read_bytes() == CONTENT


async def test_rows_wait_in_memory_while_the_disk_refuses_them(tmp_path, monkeypatch):
    async with models(tmp_path) as it:

        async def refuse(_: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        with monkeypatch.context() as patch:
            patch.setattr(it.store, "save_model", refuse)
            await it.pulls.obtain(REF)
        assert REF in it.catalog
        assert it.catalog.fault == "disk I/O error"
        await it.catalog.flush()
        assert it.catalog.fault is None
        assert [row.ref for row in await it.store.models()] == [REF]
