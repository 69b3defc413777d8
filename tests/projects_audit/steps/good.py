"""Steps that are right, near to each rule."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time

import httpx
from behave import given, step, then, when

from beehave.conditions import eventually
from cluster.registry_view import WorkerIdentity
from support.notes import ask


def compare(rows, count):
    assert len(rows) == count
    for row in rows:
        assert row["state"] == "ready"


async def fetch(client):
    return await client.get("/health")


@given("{count:d} workers on port 8080 for 5 s")
def given_workers(context, count):
    context.world.start_hives(1, workers_each=count)


@given("a hive that restarts its workers")
def given_options(context):
    context.world.cluster.worker_options["restart"] = "always"


@when("a command is asked for {name}")
def when_asked(context, name):
    context.status = ask(["queen", name])


@when("something is awaited")
async def when_awaited(context):
    context.health = await fetch(context.world.client)


@when("something else is awaited")
def when_run(context):
    context.health = asyncio.run(fetch(context.world.client))


@when("the rows are kept for {reader}")
def when_kept(context, reader):
    context.rows = context.world.registry.queen_rows()
    context.reader = reader


@when("one process is killed")
def when_one_is_killed(context):
    (row,) = context.world.registry.queen_rows()
    os.kill(row["pid"], signal.SIGKILL)
    subprocess.run(["kill", "-9", str(row["pid"])], check=True)


@when("an error is expected")
def when_expected(context):
    with contextlib.suppress(FileNotFoundError):
        context.world.databases.delete()
    try:
        context.world.start_hives(1)
    except ValueError:
        print("as expected")
    except Exception as error:
        raise RuntimeError("no hive came up") from error


@then("the kept rows are those, and of {reader}")
def then_kept(context, reader):
    assert context.rows, "no rows were seen"
    assert context.world.registry.queen_rows() == context.rows
    if reader == context.reader:
        assert context.rows == [], "read by another"


@then("the command ended with {status:d}")
def then_status(context, status):
    assert context.status == status


@then("both ways assert")
def then_both_ways(context):
    rows = context.world.registry.queen_rows()
    if len(rows) == 1:
        assert rows[0]["state"] == "ready"
    elif rows:
        assert rows[0]["state"] == "loading"
    else:
        raise AssertionError("no rows")


@then("a match with the rest")
def then_match(context):
    match context.world.registry.queen_rows():
        case [row]:
            assert row["state"] == "ready"
        case rows:
            assert rows == []


@then("a loop over something")
def then_loop(context):
    rows = context.world.registry.queen_rows()
    for key in ("id", "pid"):
        assert len({row[key] for row in rows}) == len(rows)


@then("something before the loop")
def then_before_loop(context):
    rows = context.world.registry.queen_rows()
    assert rows, "no rows"
    for row in rows:
        assert row["state"] == "ready"


@then("a bound that ends it")
def then_endless(context):
    while True:
        rows = context.world.registry.queen_rows()
        assert len(rows) < 3
        if not rows:
            break


@then("there are {count:d} workers, says a helper")
def then_helper(context, count):
    compare(context.world.registry.queen_rows(), count)


@then("a helper of the driver asserts")
def then_waits(context):
    context.world.registry.wait_until_consistent(count=1, within_s=context.world.settle_s)


@then("a condition of the driver asserts")
def then_eventually(context):
    eventually(
        context.world.cluster.journal,
        "a row",
        context.world.registry.queen_rows,
        bool,
        within_s=context.world.cluster.durations.lease_ms / 1000,
    )


@then("it refuses by hand")
def then_refuses(context):
    rows = context.world.registry.queen_rows()
    if rows:
        raise AssertionError(f"there are rows: {rows}")


@then("a finally that asserts")
def then_finally(context):
    try:
        context.world.registry.queen_rows()
    finally:
        assert context.world.registry.worker_processes() == []


@then("the stream is whole")
def then_stream(context):
    stream = context.world.clients.stream
    stream.wait_for_end()
    assert stream.done, "no [DONE]"


@then("a client of its own sees {status:d}")
def then_own_client(context, status):
    seen = httpx.get(context.world.cluster.queen.address.url).status_code
    assert seen == status


@then("they are the same as before")
def then_same(context):
    now = {WorkerIdentity.of_row(row) for row in context.world.registry.queen_rows()}
    assert now == context.world.recovery.before
    assert all(row in context.world.registry.queen_rows() for row in context.table)


@then("it is refused")
def then_refused(context):
    answer = context.world.cluster.queen.client.get("/health")
    assert answer.status in {502, 503}
    assert answer.status in (200, 204) or answer.elapsed_ms > 0
    assert 400 <= answer.status < 600
    assert answer.json["port"] != 0


@then("{count:d} of them within {bound_s:d} s")
def then_in_time(context, count, bound_s):
    world = context.world
    within_s = world.cluster.durations.lease_ms / 1000
    workers = world.registry.wait_until_consistent(count=count, within_s=min(within_s, bound_s))
    took_s = time.monotonic() - world.changes.acted_at
    assert len(workers) == count
    assert took_s <= 1.5 * bound_s


@step("it may stand anywhere")
def step_anywhere(context):
    assert context.world.registry.queen_rows() == []
