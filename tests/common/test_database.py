"""The database: whole transactions in order, a schema that grows, and SQLite's own words when it fails."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

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


def checkpoint(database: Database) -> None:
    """From here on the log masks nothing of what is done to the file."""
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def test_a_file_that_was_let_go_of_is_not_touched_any_more(database):
    await database.run(add("maja"))
    before = database.path.read_bytes()
    await database.release()
    with pytest.raises(sqlite3.OperationalError, match="not open"):
        await database.run(add("willi"))
    assert database.path.read_bytes() == before
    await database.open()
    assert await names(database) == ["maja"]


async def test_a_look_sees_the_file_and_not_what_is_cached(database):
    await database.run(add("maja"))
    checkpoint(database)
    assert await names(database) == ["maja"]  # read from the file now, and cached
    with database.path.open("r+b") as file:
        file.write(b"no header at all")
    assert await names(database) == ["maja"]  # the open connection does not notice
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        await database.look(lambda c: c.execute("SELECT * FROM bees").fetchall())


async def test_a_look_cannot_write_and_makes_no_file(database):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await database.look(lambda c: c.execute("DELETE FROM bees"))
    other = Database(database.path.with_name("absent.sqlite3"), [FIRST])
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await other.look(lambda c: None)
    assert not other.path.exists()


async def test_a_new_file_takes_the_place_of_a_broken_one(database):
    await database.run(add("old"))
    database.path.write_bytes(b"broken")
    await database.begin_anew(lambda c: c.execute("INSERT INTO bees (name) VALUES ('new')"))
    assert await names(database) == ["new"]
    await database.run(add("later"))
    assert await names(database) == ["new", "later"]
    assert not list(database.path.parent.glob("*.new*"))


async def test_a_new_file_that_cannot_be_filled_leaves_the_old_one_alone_and_closed(database):
    def fail(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    checkpoint(database)
    database.path.write_bytes(b"broken")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await database.begin_anew(fail)
    assert database.path.read_bytes() == b"broken"
    assert not list(database.path.parent.glob("*.new*"))
    with pytest.raises(sqlite3.OperationalError, match="not open"):
        await database.run(add("maja"))
