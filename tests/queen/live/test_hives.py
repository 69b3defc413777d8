"""Hives come, fall silent, come back, are removed; the queen is restarted; her database goes away."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time

import pytest

from tests.waiting import until_async

pytestmark = pytest.mark.anyio

HEARTBEAT_S, LEASE_S = 0.2, 0.6


async def test_a_lease_registers_and_says_how_long_it_holds(queen, start_hive):
    hive = await start_hive("h1", "a1", "a2", beat=False)
    answer = await hive.lease()
    assert answer.json() == {"lease_ms": 600, "queen_instance": queen.queen.identity.instance}
    seen = await queen.hive()
    assert (seen["instance"], seen["state"], seen["workers"]) == (hive.instance, "available", 2)
    assert [worker["id"] for worker in await queen.workers()] == ["a1", "a2"]
    assert all(worker["routable"] and worker["hive_id"] == "h1" for worker in await queen.workers())
    assert queen.told()[:2] == [("hive.registered", "h1"), ("hive.available", "h1")]


async def test_silence_makes_suspect_then_unavailable_in_time_and_a_lease_brings_it_back(queen, start_hive):
    hive = await start_hive("h1", "a1")
    hive.fall_silent()
    began = time.monotonic()
    await until_async(lambda: ("hive.suspect", "h1") in queen.told(), "suspect")
    suspect_s = time.monotonic() - began
    await until_async(lambda: ("hive.unavailable", "h1") in queen.told(), "unavailable")
    unavailable_s = time.monotonic() - began
    assert suspect_s < unavailable_s <= LEASE_S + HEARTBEAT_S
    assert suspect_s >= 2 * HEARTBEAT_S - HEARTBEAT_S  # its last heartbeat may be a whole one ago
    # Its probes are answered all the time: a pull does not stand in for a push.
    health = (await queen.client.get("/health")).json()
    assert (health["status"], health["hives"]["unavailable"]) == ("degraded", 1)
    assert await queen.metric("queen_hives", state="unavailable") == 1
    refused = await queen.ask()
    assert (refused.status_code, refused.json()["error"]["details"]["blocked"]) == (503, {"hive_unavailable": 1})
    await hive.beat()
    assert await queen.hive_state() == "available"
    assert (await queen.ask()).status_code == 200
    assert (await queen.client.get("/health")).json()["status"] == "ok"


async def test_workers_of_a_hive_that_stays_silent_become_stale_and_come_back_with_it(queen, start_hive):
    hive = await start_hive("h1", "a1")
    hive.fall_silent()
    await until_async(lambda: ("worker.removed", "a1") in queen.told(), "stale")
    assert await queen.workers() == []
    assert (await queen.ask()).json()["error"]["code"] == "no_worker_available"  # its hive still has the model
    await hive.lease()
    assert [worker["routable"] for worker in await queen.workers()] == [True]


async def test_a_hive_that_leases_but_cannot_be_asked_is_unavailable_after_three_strikes(queen, start_hive):
    hive = await start_hive("h1", "a1")
    hive.probe_status = 500
    await until_async(lambda: ("hive.unavailable", "h1") in queen.told(), "struck out")
    seen = await queen.hive()
    assert (seen["reason"], seen["probe_strikes"] >= 3) == ("probes_failed", True)
    hive.probe_status = 200
    await until_async(lambda: queen.told()[-1] == ("hive.available", "h1"), "back")


async def test_late_words_of_an_old_instance_touch_nothing(queen, start_hive):
    old = await start_hive("h1", "a1", beat=False)
    new = await start_hive("h1", "a1", beat=False, instance="2")
    await old.lease()
    await new.lease()
    late = await old.lease()
    assert (late.status_code, late.json()["error"]["code"]) == (410, "lease_gone")
    assert (await queen.hive())["instance"] == new.instance
    older = new.picture() | {"sequence": 0, "workers": []}
    answer = await queen.client.put("/v1/hives/h1/lease", json=older)
    assert answer.status_code == 200  # an older sequence: understood, without effect
    assert [worker["state"] for worker in await queen.workers()] == ["ready"]


async def test_a_removed_hive_takes_its_workers_with_it_at_once(queen, start_hive):
    hive = await start_hive("h1", "a1")
    assert (await queen.client.delete("/v1/hives/h1")).status_code == 204
    assert await queen.workers() == []
    assert (await queen.ask()).json()["error"]["code"] == "model_not_found"
    assert (await queen.client.delete("/v1/hives/h1")).json()["error"]["code"] == "hive_not_found"
    assert (await hive.lease()).status_code == 410
    hive.instance = "h1-started-anew"
    assert (await hive.lease()).status_code == 200
    assert (await queen.ask()).status_code == 200


@pytest.mark.parametrize(
    "change",
    [{"sequence": "x"}, {"workers": [{"id": "a"}]}, {"url": "file:///etc"}, {"state": "asleep"}, {"instance": None}],
    ids=str,
)
async def test_a_broken_lease_is_400_and_changes_nothing(queen, start_hive, change):
    hive = await start_hive("h1", "a1")
    picture = hive.picture() | change
    answer = await queen.client.put("/v1/hives/h2/lease", json=picture)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_failed")
    assert (await queen.client.get("/v1/hives/h2")).status_code == 404
    assert (await queen.client.put("/v1/hives/h%202/lease", json=hive.picture())).status_code == 400


@pytest.mark.parametrize("version", ["1.0.0", "0.0.9", "nonsense"])
async def test_a_hive_of_another_version_is_409(queen, start_hive, version):
    hive = await start_hive("h1", beat=False)
    answer = await queen.client.put("/v1/hives/h1/lease", json=hive.picture() | {"version": version})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "version_mismatch")
    assert (await queen.client.get("/v1/hives")).json() == {"hives": []}


async def test_a_restarted_queen_asks_the_hives_that_she_knows_and_declares_nobody_dead(start_queen, start_hive):
    async with start_queen() as first:
        asked = await start_hive("h1", "a1", queen_url=first.url)
        mute = await start_hive("h2", "b1", queen_url=first.url)
        asked.fall_silent()
        mute.fall_silent()
        mute.probe_status = 500
    async with start_queen() as second:
        await until_async(lambda: _state_is(second, "available"), "no lease came: it asked", within_s=LEASE_S)
        assert await second.hive_state("h2") == "suspect"
        assert [w["routable"] for w in await second.workers()] == [True, False]
        assert (await second.ask()).json()["worker"] == "a1"
        unheard = await second.ask(model="other:1b")
        assert (unheard.status_code, unheard.json()["error"]["code"]) == (503, "starting")
        await asyncio.sleep(LEASE_S)
        assert await second.hive_state("h2") == "unavailable"
        assert (await second.ask(model="other:1b")).json()["error"]["code"] == "model_not_found"


async def test_while_the_database_is_locked_memory_serves_and_the_writes_are_stored_in_order(
    queen, start_hive, monkeypatch
):
    store = queen.queen.store
    await store._database.run(lambda connection: connection.execute("PRAGMA busy_timeout = 20"))
    other = sqlite3.connect(store._path, isolation_level=None)
    monkeypatch.setattr("daemons.common.database._BUSY_MS", 20)
    other.execute("BEGIN EXCLUSIVE")
    for name in ("h3", "h1", "h2"):
        await start_hive(name, f"{name}-w")
    assert (await queen.ask()).status_code == 200
    await until_async(lambda: queen.queen.store.failure, "the failure is noticed")
    health = (await queen.client.get("/health")).json()
    assert (health["status"], health["database"]["up"]) == ("degraded", False)
    assert health["database"]["writes_waiting"] > 0
    assert await queen.metric("queen_database_up") == 0
    other.execute("ROLLBACK")
    await until_async(lambda: queen.queen.store.failure is None, "the database is back")
    stored = other.execute("SELECT id FROM workers ORDER BY revision").fetchall()
    other.close()
    assert stored == [("h3-w",), ("h1-w",), ("h2-w",)]
    assert (await queen.client.get("/health")).json()["status"] == "ok"
    assert await queen.metric("queen_database_up") == 1


async def test_events_are_told_as_they_happen_and_replayed(queen, start_hive):
    hive = await start_hive("h1", "a1", beat=False)
    await hive.lease()
    told = []
    async with queen.client.stream("GET", "/v1/events?since=0") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        hive.workers["a1"].state = "draining"
        await hive.lease()
        hive.workers.clear()
        hive.departed = [{"id": "a1", "instance": "i1", "pid": 4711, "signal": 9, "reason": "killed", "forced": True}]
        await hive.lease()
        while not told or told[-1]["kind"] != "worker.removed":
            line = await anext(lines)
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: ")))
    kinds = [event["kind"] for event in told]
    assert kinds[:4] == ["hive.registered", "hive.available", "worker.registered", "worker.ready"]
    # On a busy machine the two leases may come so late that the hive is suspected in between.
    assert [kind for kind in kinds[4:] if kind.startswith("worker.")] == ["worker.draining", "worker.removed"]
    assert [event["sequence"] for event in told] == list(range(1, len(told) + 1))
    assert (told[-1]["signal"], told[-1]["reason"], told[-1]["forced"]) == (9, "killed", True)
    await asyncio.sleep(0.05)
    assert queen.queen.events.listeners == 0
    answer = await queen.client.get("/v1/events?since=-1")
    assert answer.status_code == 400


async def test_models_are_the_union_over_live_hives(queen, start_hive):
    await start_hive("h1", "a1")
    await start_hive("h2", "b1")
    answer = (await queen.client.get("/v1/models")).json()
    assert answer["object"] == "list"
    assert [(model["id"], model["object"], model["size_bytes"]) for model in answer["data"]] == [
        ("tiny:1b", "model", 3)
    ]


async def _state_is(queen, state):
    return await queen.hive_state() == state
