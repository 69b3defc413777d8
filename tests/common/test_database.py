"""The database: whole transactions in order, a schema that grows, and SQLite's own words when it fails."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from daemons.common.database import Database
from daemons.common.exits import ExitStatus, FatalError

pytestmark = pytest.mark.anyio
FIRST = "CREATE TABLE bees (name TEXT PRIMARY KEY); CREATE INDEX by_name ON bees (name)"
SECOND = "ALTER TABLE bees ADD COLUMN age INTEGER DEFAULT 0"


@pytest.fixture
async def database(tmp_path):
    made = Database(tmp_path / "bees.sqlite3", [FIRST])
    await made.open()
    yield made
    await made.close()


def add(name: str):
    return lambda connection: connection.execute("INSERT INTO bees (name) VALUES (?)", (name,))


async def names(database: Database) -> list[str]:
    return await database.run(lambda c: [row["name"] for row in c.execute("SELECT name FROM bees ORDER BY rowid")])


async def test_work_is_done_in_the_order_in_which_it_was_asked(database):
    await asyncio.gather(*(database.run(add(f"bee-{n}")) for n in range(50)))
    assert await names(database) == [f"bee-{n}" for n in range(50)]


async def test_a_failed_transaction_leaves_nothing(database):
    def half(connection: sqlite3.Connection) -> None:
        add("one")(connection)
        add("one")(connection)

    with pytest.raises(sqlite3.IntegrityError):
        await database.run(half)
    assert await names(database) == []


async def test_it_is_wal(database):
    mode = await database.run(lambda c: c.execute("PRAGMA journal_mode").fetchone()[0])
    assert mode == "wal"


async def test_the_schema_grows_and_keeps_what_is_there(database):
    await database.run(add("old"))
    await database.close()
    newer = Database(database.path, [FIRST, SECOND])
    await newer.open()
    assert await newer.run(lambda c: tuple(c.execute("SELECT * FROM bees").fetchone())) == ("old", 0)
    await newer.close()
    older = Database(database.path, [FIRST])
    with pytest.raises(FatalError) as caught:
        await older.open()
    await older.close()
    assert caught.value.status is ExitStatus.DATA


async def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "broken.sqlite3"
    path.write_bytes(b"not a database at all" * 100)
    database = Database(path, [FIRST])
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        await database.open()
    with pytest.raises(sqlite3.OperationalError, match="not open"):
        await names(database)
    path.unlink()
    await database.open()
    assert await names(database) == []
    await database.close()
    await database.close()
