"""The registry's database: memory leads, the disk follows, and may be away."""

from __future__ import annotations

import json
import shutil
import sqlite3

import pytest

from daemons.common.exits import ExitStatus, FatalError
from daemons.queen import store as store_module
from daemons.queen.records import DropHive, DropWorker, PutHive, PutWorker
from daemons.queen.store import RegistryStore, make_data_folder

pytestmark = pytest.mark.anyio

AT = "2026-01-01T00:00:00.000Z"


class Owner:
    """The registry's stand-in: what a snapshot holds, and what the store found late."""

    def __init__(self) -> None:
        self.writes = []
        self.late = None

    def snapshot(self):
        return list(self.writes)

    def found(self, known):
        self.late = known


@pytest.fixture
def path(tmp_path):
    make_data_folder(tmp_path / "data")
    return tmp_path / "data" / "queen.sqlite3"


@pytest.fixture
def owner():
    return Owner()


@pytest.fixture
async def store(path, owner, monkeypatch):
    monkeypatch.setattr("daemons.common.database._BUSY_MS", 20)
    made = RegistryStore(path, interval_s=60, snapshot=owner.snapshot, found=owner.found)
    yield made
    await made.close()


def rows(path, table):
    connection = sqlite3.connect(path)
    try:
        return [row[0] for row in connection.execute(f"SELECT id FROM {table} ORDER BY revision")]
    finally:
        connection.close()


def put(say, hive_id="h1", **more):
    return PutHive(hive_id, "available", say.lease(**more), AT)


async def test_what_was_stored_is_known_after_a_restart(store, path, owner, say):
    assert await store.load() == []
    store.note(put(say, sequence=7, models=["tiny:1b"]))
    store.note(PutWorker("h1", say.row("w1", served_total=3), AT))
    store.note(PutWorker("h1", say.row("w2"), AT))
    store.note(put(say, "h2"))
    store.note(DropWorker("w2"))
    store.note(DropHive("h2"))
    assert await store.flush()
    assert store.waiting == 0
    again = RegistryStore(path, interval_s=60, snapshot=owner.snapshot, found=owner.found)
    [(hive_id, lease)] = await again.load()
    await again.close()
    assert (hive_id, lease.instance, lease.sequence) == ("h1", "hive-i1", 7)
    assert [entry.ref for entry in lease.models] == ["tiny:1b"]
    assert [(row.id, row.served_total) for row in lease.workers] == [("w1", 3)]


async def test_the_columns_are_readable_without_this_program(store, path, say):
    await store.load()
    store.note(put(say))
    await store.flush()
    connection = sqlite3.connect(path)
    row = connection.execute("SELECT id, url, instance, version, last_seen, picture FROM hives").fetchone()
    connection.close()
    assert row[:5] == ("h1", "http://127.1.1.1:9200", "hive-i1", "0.1.0", AT)
    assert "workers" not in json.loads(row[5])


async def test_writes_wait_while_the_file_is_locked_and_are_stored_in_order(store, path, say, capfd):
    await store.load()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    for number in range(300):
        store.note(PutWorker("h1", say.row(f"w{number}"), AT))
        if number % 100 == 0:
            assert not await store.flush()
    assert store.waiting == 300
    assert "locked" in store.failure
    other.execute("ROLLBACK")
    other.close()
    assert await store.flush()
    assert (store.failure, store.waiting) == (None, 0)
    assert rows(path, "workers") == [f"w{number}" for number in range(300)]
    logged = [json.loads(line)["event"] for line in capfd.readouterr().err.splitlines()]
    assert logged == ["database_failed", "database_returned"]


async def test_a_deleted_file_is_noticed_and_written_anew_in_full(store, path, owner, say):
    await store.load()
    owner.writes = [put(say, "h1"), put(say, "h2")]
    for write in owner.writes:
        store.note(write)
    await store.flush()
    for each in path.parent.iterdir():
        each.unlink()
    assert not await store.flush()  # with nothing to write, too
    assert "deleted" in store.failure
    assert await store.flush()
    assert rows(path, "hives") == ["h1", "h2"]


async def test_an_emptied_file_is_noticed(store, path, owner, say):
    await store.load()
    owner.writes = [put(say, "h1")]
    store.note(owner.writes[0])
    await store.flush()
    path.write_bytes(b"")
    assert not await store.flush()
    assert await store.flush()
    assert rows(path, "hives") == ["h1"]


async def test_a_ruined_file_is_kept_aside_and_replaced(path, owner, say):
    ruined = b"this is no database" * 1000
    path.write_bytes(ruined)
    store = RegistryStore(path, interval_s=60, snapshot=owner.snapshot, found=owner.found)
    assert await store.load() == []
    assert store.failure is not None
    [kept] = path.parent.glob("queen.sqlite3.broken-*")
    assert kept.read_bytes() == ruined
    owner.writes = [put(say, "h1")]
    assert await store.flush()
    await store.close()
    assert owner.late == []
    assert rows(path, "hives") == ["h1"]


async def test_a_file_that_opens_late_is_read_then(path, owner, say, monkeypatch):
    monkeypatch.setattr("daemons.common.database._BUSY_MS", 20)
    first = RegistryStore(path, interval_s=60, snapshot=owner.snapshot, found=owner.found)
    await first.load()
    first.note(put(say, "h1"))
    await first.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    store = RegistryStore(path, interval_s=60, snapshot=owner.snapshot, found=owner.found)
    assert await store.load() == []
    assert owner.late is None
    owner.writes = [put(say, "h2")]
    other.execute("ROLLBACK")
    other.close()
    assert await store.flush()
    assert [hive_id for hive_id, _ in owner.late] == ["h1"]
    await store.close()


async def test_beyond_the_bound_the_oldest_are_let_go_and_the_whole_is_written(store, path, owner, say, monkeypatch):
    monkeypatch.setattr(store_module, "QUEUED_WRITES", 5)
    await store.load()
    owner.writes = [put(say, f"h{number}") for number in range(9)]
    for write in owner.writes:
        store.note(write)
    assert store.waiting == 5
    assert await store.flush()
    assert rows(path, "hives") == [f"h{number}" for number in range(9)]


async def test_a_row_that_cannot_be_read_is_left_out(store, path, owner, say):
    await store.load()
    store.note(put(say, "h1"))
    store.note(put(say, "h2"))
    store.note(PutWorker("h1", say.row(), AT))
    await store.flush()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE hives SET picture = '{}' WHERE id = 'h2'")
    connection.execute("UPDATE workers SET picture = 'x'")
    connection.commit()
    connection.close()
    again = RegistryStore(path, interval_s=60, snapshot=owner.snapshot, found=owner.found)
    known = await again.load()
    await again.close()
    assert [(hive_id, lease.workers) for hive_id, lease in known] == [("h1", [])]


def test_a_data_folder_that_cannot_be_made_ends_the_start(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FatalError, match="Check --data_dir") as caught:
        make_data_folder(tmp_path / "file" / "data")
    assert caught.value.status is ExitStatus.DATA


async def test_a_data_folder_that_went_away_is_made_again(store, path, owner, say):
    await store.load()
    owner.writes = [put(say, "h1")]
    store.note(owner.writes[0])
    shutil.rmtree(path.parent)
    assert not await store.flush()
    assert await store.flush()
    assert rows(path, "hives") == ["h1"]


async def test_what_waited_keeps_its_order_also_when_the_whole_is_written(path, owner, say, monkeypatch):
    """A registry lists by id; what changed last has the highest revision all the same."""
    monkeypatch.setattr("daemons.common.database._BUSY_MS", 20)
    path.touch()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    store = RegistryStore(path, interval_s=60, snapshot=owner.snapshot, found=owner.found)
    await store.load()
    changes = [PutWorker("h1", say.row(worker_id), AT) for worker_id in ("w9", "w1", "w5")]
    for change in changes:
        store.note(change)
    owner.writes = sorted(changes, key=lambda change: change.row.id)
    other.execute("ROLLBACK")
    other.close()
    assert await store.flush()
    assert store.waiting == 0
    await store.close()
    assert rows(path, "workers") == ["w9", "w1", "w5"]
