"""Spawn, stop and restart through the queen; the end of the cluster; the whole process with its signals."""

from __future__ import annotations

import asyncio
import signal

import httpx
import pytest

from beehave.settings import DaemonSettings
from tests.waiting import until_async

pytestmark = pytest.mark.anyio


async def test_a_spawn_goes_to_the_hive_with_the_fewest_workers_and_its_row_is_there_at_once(queen, start_hive):
    await start_hive("h1", "a1", "a2")
    hive = await start_hive("h2", "b1")
    answer = await queen.client.post("/v1/workers", json={"model": "tiny:1b", "id": "new", "slots": 3})
    assert answer.status_code == 202
    assert (answer.json()["id"], answer.json()["state"]) == ("new", "starting")
    assert hive.asked == [("spawn", {"model": "tiny:1b", "id": "new", "slots": 3})]
    row = (await queen.client.get("/v1/workers/new")).json()
    assert (row["hive_id"], row["state"], row["routable"]) == ("h2", "starting", False)


async def test_spawns_at_once_spread_over_the_hives(queen, start_hive):
    hives = [await start_hive("h1"), await start_hive("h2")]
    orders = [queen.client.post("/v1/workers", json={"model": "tiny:1b", "id": f"w{n}"}) for n in range(4)]
    assert [answer.status_code for answer in await asyncio.gather(*orders)] == [202] * 4
    assert [len(hive.asked) for hive in hives] == [2, 2]


SPAWN_ERRORS = [
    ({"model": "tiny:1b", "hive_id": "nobody"}, 404, "hive_not_found"),
    ({"model": "../x"}, 400, "validation_failed"),
    ({"model": "tiny:1b", "slots": 0}, 400, "validation_failed"),
    ({"model": "tiny:1b", "slot": 1}, 400, "validation_failed"),
    ({"model": "tiny:1b", "id": "../x"}, 400, "validation_failed"),
    ({}, 400, "validation_failed"),
]


@pytest.mark.parametrize(("order", "status", "code"), SPAWN_ERRORS, ids=str)
async def test_a_spawn_that_is_refused(queen, start_hive, order, status, code):
    hive = await start_hive("h1")
    answer = await queen.client.post("/v1/workers", json=order)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert hive.asked == []


async def test_without_a_usable_hive_a_spawn_is_503_and_on_a_dead_one_502(queen, start_hive):
    assert (await queen.client.post("/v1/workers", json={"model": "m"})).status_code == 503
    hive = await start_hive("h1")
    await hive.close()
    dead = await queen.client.post("/v1/workers", json={"model": "m", "hive_id": "h1"})
    assert (dead.status_code, dead.json()["error"]["code"]) == (502, "hive_unreachable")
    await until_async(lambda: _state_is(queen, "unavailable"), "unavailable")
    assert (await queen.client.post("/v1/workers", json={"model": "m", "hive_id": "h1"})).status_code == 502
    assert (await queen.client.post("/v1/workers", json={"model": "m"})).status_code == 503


async def _state_is(queen, state):
    return await queen.hive_state() == state


@pytest.mark.parametrize("force", [False, True])
async def test_a_stopped_worker_is_not_routed_to_from_the_answer_on(queen, start_hive, force):
    hive = await start_hive("h1", "a1", beat=False)
    await hive.lease()
    answer = await queen.client.delete("/v1/workers/a1", params={"force": "true"} if force else {})
    assert (answer.status_code, answer.json()["state"]) == (202, "draining")
    assert hive.asked == [("stop", "a1", "true" if force else None)]
    assert (await queen.client.get("/v1/workers/a1")).json()["blocked"] == "worker_draining"
    assert (await queen.ask()).status_code == 503


async def test_stopping_a_worker_that_its_hive_has_lost_makes_it_gone(queen, start_hive):
    hive = await start_hive("h1", "a1", beat=False)
    await hive.lease()
    hive.lost_workers.add("a1")
    answer = await queen.client.delete("/v1/workers/a1")
    assert (answer.status_code, answer.json()["state"]) == (202, "stopped")
    again = await queen.client.delete("/v1/workers/a1")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "worker_not_found")
    assert ("worker.removed", "a1") in queen.told()


async def test_a_restart_is_forwarded(queen, start_hive):
    hive = await start_hive("h1", "a1")
    assert (await queen.client.post("/v1/workers/a1/restart")).status_code == 202
    assert hive.asked == [("restart", "a1")]
    assert (await queen.client.post("/v1/workers/none/restart")).status_code == 404


async def test_workers_are_filtered(queen, start_hive):
    await start_hive("h1", "a1", "a2")
    hive = await start_hive("h2", "b1", beat=False)
    hive.workers["b1"].state = "loading"
    await hive.lease()

    async def ids(**query):
        return [worker["id"] for worker in await queen.workers(**query)]

    assert await ids(hive="h1") == ["a1", "a2"]
    assert await ids(state="loading") == ["b1"]
    assert await ids(model="tiny:1b", state="ready") == ["a1", "a2"]
    assert await ids(model="none") == []
    assert (await queen.client.get("/v1/workers?state=asleep")).status_code == 400
    assert await queen.metric("queen_workers", state="ready") == 2


def test_the_openapi_document_names_every_route(tmp_path):
    from daemons.queen.app import create_app
    from daemons.queen.config import QueenConfig
    from daemons.queen.queen import Queen

    schema = Queen(QueenConfig(data_dir=tmp_path), create_app).api.openapi()
    routes = {(path, method) for path, methods in schema["paths"].items() for method in methods}
    assert routes == {
        ("/health", "get"),
        ("/ready", "get"),
        ("/metrics", "get"),
        ("/v1/chat/completions", "post"),
        ("/v1/completions", "post"),
        ("/v1/models", "get"),
        ("/v1/requests/{request_id}", "delete"),
        ("/v1/hives", "get"),
        ("/v1/hives/{hive_id}", "get"),
        ("/v1/hives/{hive_id}", "delete"),
        ("/v1/hives/{hive_id}/lease", "put"),
        ("/v1/workers", "get"),
        ("/v1/workers", "post"),
        ("/v1/workers/{worker_id}", "get"),
        ("/v1/workers/{worker_id}", "delete"),
        ("/v1/workers/{worker_id}/restart", "post"),
        ("/v1/events", "get"),
        ("/v1/shutdown", "post"),
    }
    for path, methods in schema["paths"].items():
        for operation in methods.values():
            assert operation["operationId"]
            assert operation["description"], path
            successes = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
            assert successes, path


FLAGS = {"listen.host": "{host}", "listen.port": "{port}", "data_dir": "{folder}/data", "durations.lease_ms": "600"}
FLAGS |= {"durations.heartbeat_ms": "200", "durations.orphan_grace_ms": "600"}


@pytest.fixture
async def daemons(make_daemons, pytestconfig):
    """A queen as an operator starts it."""
    command = ["{python}", "-m", "daemons.queen"] + [word for key in FLAGS for word in (f"--{key}", FLAGS[key])]
    daemons = make_daemons(pytestconfig.rootpath, queen=DaemonSettings(command=command, ready="/ready"))
    await asyncio.to_thread(daemons.start, "queen")
    return daemons


async def test_sigterm_ends_the_queen_and_nobody_else(daemons, start_hive):
    queen = daemons.daemon("queen")
    hive = await start_hive("h1", "a1", queen_url=queen.address.url)
    async with httpx.AsyncClient(base_url=queen.address.url) as client:
        body = {"model": "tiny:1b", "prompt": "x"}
        assert (await client.post("/v1/completions", json=body)).status_code == 200
        assert (await client.get("/v1/hives/h1")).json()["state"] == "available"
    await asyncio.to_thread(daemons.end, "queen", signal.SIGTERM, why="the test ends it")
    logged = queen.process.log_lines()
    assert all(line.startswith("{") for line in logged), logged
    assert hive.asked == []


async def test_a_cluster_shutdown_tells_the_hives_and_waits_for_them(daemons, start_hive):
    queen = daemons.daemon("queen")
    hive = await start_hive("h1", "a1", queen_url=queen.address.url)
    async with httpx.AsyncClient(base_url=queen.address.url) as client:
        answer = await client.post("/v1/shutdown", json={"scope": "cluster"})
    assert (answer.status_code, answer.json()["scope"]) == (202, "cluster")
    await until_async(lambda: hive.asked, "the hive was told")
    assert hive.asked == [("shutdown", {"scope": "self"})]
    await asyncio.sleep(0.3)
    assert queen.process.alive()
    await hive.close()
    assert await asyncio.to_thread(queen.process.wait, 10) == 0, queen.process.describe()
    assert any('"hive_ended"' in line for line in queen.process.log_lines())
