"""A damaged database file: found by the next check, quarantined, rebuilt, or replaced by memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from contextlib import asynccontextmanager

import pytest

from daemons.common.metrics import Metrics
from daemons.hive.metrics import HiveCounters
from daemons.hive.models.catalog import Catalog
from daemons.hive.models.hub import HubModel
from daemons.hive.recovery.repair import DatabaseRepair
from daemons.hive.refs import model_path
from daemons.hive.store import Store

pytestmark = pytest.mark.anyio
COUNT = 40
LONG = "x" * 100
"""Names long enough for the table to take several pages."""


def content(ref):
    text = json.dumps({"__metadata__": {"ref": ref}, "w": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}})
    return len(text).to_bytes(8, "little") + text.encode() + b"data"


class Setup:
    """A hive's folder with one catalog over it."""

    def __init__(self, folder):
        self.path = folder / "hive.sqlite3"
        self.models = folder / "models"
        self.models.mkdir(exist_ok=True)
        self.metrics = Metrics("hive")
        self.rewritten = 0
        self.store = Store(self.path)
        self.repair = DatabaseRepair(self.store, self.models, HiveCounters(self.metrics), self.rewrite)
        self.catalog = Catalog(self.store, self.models, self.repair)

    def rewrite(self):
        self.rewritten += 1

    async def add(self, ref):
        model_path(self.models, ref).write_bytes(content(ref))
        await self.catalog.add(HubModel(ref, len(content(ref)), hashlib.sha256(content(ref)).hexdigest()))

    async def fill(self):
        for number in range(COUNT):
            await self.add(f"m{number:02d}-{LONG}")

    def refs(self):
        return [model.ref for model in self.catalog]

    def rows(self):
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        try:
            return [row[0] for row in connection.execute("SELECT ref FROM models ORDER BY ref")]
        finally:
            connection.close()

    def break_file(self, how):
        connection = sqlite3.connect(self.path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'models'").fetchone()[0]
        connection.close()
        size = self.path.stat().st_size
        with self.path.open("r+b") as file:
            if how == "tail":
                file.truncate(size * 3 // 4)
            elif how == "empty":
                file.truncate(0)
            else:
                file.seek((root - 1) * 4096 + 12)  # an interior page: its first cell's place, there its first child
                file.seek((root - 1) * 4096 + int.from_bytes(file.read(2), "big"))
                child = int.from_bytes(file.read(4), "big")
                file.seek({"header": 0, "root": (root - 1) * 4096, "middle": (child - 1) * 4096}[how])
                file.write(b"\xa5" * 100)
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def count(self, name, **labels):
        return self.metrics.registry.get_sample_value(name, labels)


@asynccontextmanager
async def opened(folder):
    setup = Setup(folder)
    await setup.catalog.open()
    yield setup
    await setup.store.close()


def logged(capfd, event):
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    return [line for line in lines if line["event"] == event]


async def test_a_whole_file_is_left_alone(tmp_path, capfd):
    async with opened(tmp_path) as setup:
        await setup.fill()
        for _ in range(3):
            await setup.catalog.verify()
        assert list(setup.repair.degraded()) == []
        assert setup.count("hive_catalog_damages_total", kind="corrupt") == 0
    assert logged(capfd, "catalog_damaged") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hive.sqlite3", "models"]


@pytest.mark.parametrize(
    ("how", "kind"),
    [("header", "corrupt"), ("root", "corrupt"), ("middle", "corrupt"), ("tail", "corrupt"), ("empty", "emptied")],
)
async def test_a_damaged_file_is_kept_and_rebuilt_while_the_hive_runs(tmp_path, how, kind, capfd):
    async with opened(tmp_path) as setup:
        await setup.fill()
        refs = setup.refs()
        digest = setup.break_file(how)
        await setup.catalog.verify()
        assert setup.refs() == setup.rows() == refs
        kept = tmp_path / "hive.sqlite3.corrupt-1"
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == digest
        assert setup.count("hive_catalog_damages_total", kind=kind) == 1
        salvaged, rebuilt, dropped = (
            setup.count("hive_catalog_recovered_rows_total", source=source)
            for source in ("salvaged", "rebuilt", "dropped")
        )
        assert (salvaged + rebuilt, dropped) == (COUNT, 0)
        assert (salvaged > 0, rebuilt > 0) == (how in ("middle", "tail"), True)
        assert setup.rewritten == 1
        assert [kept.name in reason for reason in setup.repair.degraded()] == [True]
        kept.unlink()
        await setup.catalog.maintain()
        assert list(setup.repair.degraded()) == []
    (line,) = logged(capfd, "catalog_damaged")
    assert (line["level"], line["kind"], line["file"]) == ("error", kind, "hive.sqlite3")
    assert line["code"]
    assert line["error"]


async def test_a_hive_that_starts_over_a_damaged_file_takes_what_vouches_for_itself(tmp_path):
    async with opened(tmp_path) as setup:
        await setup.fill()
        refs = setup.refs()
    setup.break_file("header")
    model_path(setup.models, refs[0]).write_bytes(b"torn")
    async with opened(tmp_path) as setup:
        assert setup.refs() == setup.rows() == refs[1:]
        for model in setup.catalog:
            assert hashlib.sha256(model_path(setup.models, model.ref).read_bytes()).hexdigest() == model.sha256


async def test_what_is_left_of_a_shortened_file_is_salvaged_at_a_start(tmp_path):
    async with opened(tmp_path) as setup:
        await setup.fill()
        refs = setup.refs()
    setup.break_file("tail")
    async with opened(tmp_path) as setup:
        assert setup.refs() == refs
        assert setup.count("hive_catalog_recovered_rows_total", source="salvaged") > 0


async def test_a_hive_that_starts_without_its_file_rebuilds_it(tmp_path):
    async with opened(tmp_path) as setup:
        await setup.fill()
        refs = setup.refs()
    setup.path.unlink()
    async with opened(tmp_path) as setup:
        assert setup.refs() == setup.rows() == refs
        assert setup.count("hive_catalog_damages_total", kind="missing") == 1


async def test_a_file_that_is_deleted_while_the_hive_runs_is_written_anew(tmp_path):
    async with opened(tmp_path) as setup:
        await setup.add("a:1b")
        for path in tmp_path.glob("hive.sqlite3*"):
            path.unlink()
        await setup.add("b:1b")
        assert setup.refs() == setup.rows() == ["a:1b", "b:1b"]


async def test_memory_serves_while_the_disk_refuses_and_the_rows_are_there_when_it_returns(
    tmp_path, monkeypatch, capfd
):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", "/a/host/path")

    async with opened(tmp_path) as setup:
        await setup.add("a:1b")
        await setup.add("gone:1b")
        digest = setup.break_file("header")
        with monkeypatch.context() as patch:
            patch.setattr("daemons.hive.recovery.repair.quarantine", refuse)
            await setup.catalog.verify()
            await setup.add("b:1b")
            await setup.catalog.remove("gone:1b")
            await setup.catalog.maintain()
            assert setup.refs() == ["a:1b", "b:1b"]
            reasons = " ".join(setup.repair.degraded())
            assert "in memory only" in reasons
            assert "Permission denied" in reasons
            assert "/a/host" not in reasons
            assert hashlib.sha256(setup.path.read_bytes()).hexdigest() == digest
        await setup.catalog.maintain()
        assert setup.rows() == ["a:1b", "b:1b"]
        assert setup.catalog.fault is None
        assert not any("memory" in reason for reason in setup.repair.degraded())
        assert hashlib.sha256((tmp_path / "hive.sqlite3.corrupt-1").read_bytes()).hexdigest() == digest
        assert setup.count("hive_catalog_damages_total", kind="corrupt") == 1
    assert len(logged(capfd, "catalog_in_memory")) == 1


async def test_a_full_disk_at_the_new_file_keeps_one_copy_however_often_it_is_tried(tmp_path, monkeypatch):
    async with opened(tmp_path) as setup:
        await setup.add("a:1b")
        setup.break_file("root")

        def full(*_):
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr("daemons.hive.store._put_model", full)
            for _ in range(3):
                await setup.catalog.verify()
            assert setup.refs() == ["a:1b"]
            assert len(list(tmp_path.glob("*.corrupt-*"))) == 1
            assert not list(tmp_path.glob("*.new*"))
        await setup.catalog.maintain()
        assert setup.rows() == ["a:1b"]
        assert len(list(tmp_path.glob("*.corrupt-*"))) == 1


async def test_a_removal_that_the_disk_refused_is_made_up_for(tmp_path):
    async with opened(tmp_path) as setup:
        await setup.add("a:1b")
        other = sqlite3.connect(setup.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await setup.catalog.remove("a:1b")
        assert setup.catalog.fault
        assert setup.rows() == ["a:1b"]
        other.execute("ROLLBACK")
        other.close()
        await setup.catalog.maintain()
        assert (setup.rows(), setup.catalog.fault) == ([], None)


async def test_a_removal_is_not_forgotten_while_another_write_of_the_same_row_is_under_way(tmp_path, monkeypatch):
    """Found by killing hives in bursts of pulls and removals: a row stayed whose file was removed."""
    async with opened(tmp_path) as setup:
        saving, go_on = asyncio.Event(), asyncio.Event()
        save = setup.store.save_model

        async def slow_save(model):
            saving.set()
            await save(model)
            await go_on.wait()

        monkeypatch.setattr(setup.store, "save_model", slow_save)
        adding = asyncio.create_task(setup.add("a:1b"))
        await saving.wait()
        check = setup.repair.check

        async def check_until_saved():
            go_on.set()
            await adding
            return await check()

        monkeypatch.setattr(setup.repair, "check", check_until_saved)
        await setup.catalog.remove("a:1b")
        assert (setup.refs(), setup.rows()) == ([], [])
