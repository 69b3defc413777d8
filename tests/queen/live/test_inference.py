"""Requests through a real queen to hives that misbehave: split, retry, mark-down, and what the client is told."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest

from tests.waiting import until_async

pytestmark = pytest.mark.anyio


async def stream(queen, request_id="req-1"):
    """The whole text of a streamed answer."""
    body = {"model": "tiny:1b", "messages": [{"role": "user", "content": "x"}], "stream": True}
    headers = {"X-Request-Id": request_id}
    async with queen.client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
        return answer.status_code, (await answer.aread()).decode()


async def test_an_answer_carries_the_request_id_and_less_deadline_than_was_given(queen, start_hive):
    hive = await start_hive("h1", "a1")
    answer = await queen.client.post(
        "/v1/completions",
        json={"model": "tiny:1b", "prompt": "x"},
        headers={"X-Request-Id": "mine-1", "X-Deadline-Ms": "2000"},
    )
    assert answer.headers["X-Request-Id"] == "mine-1"
    assert hive.workers["a1"].served == ["mine-1"]
    assert 1000 < int(answer.json()["deadline_ms"]) <= 2000


async def test_a_stream_is_relayed_as_it_is_and_counted(queen, start_hive):
    await start_hive("h1", "a1")
    status, text = await stream(queen)
    assert status == 200
    assert text == "".join(f'data: {{"token": {n}}}\n\n' for n in range(3)) + "data: [DONE]\n\n"
    assert await queen.metric("queen_first_byte_seconds_count") == 1
    assert await queen.metric("queen_request_seconds_count") == 1


async def test_an_unknown_model_is_404_and_a_known_one_without_a_worker_503_that_says_why(queen, start_hive):
    hive = await start_hive("h1", "a1", beat=False)
    hive.workers["a1"].state = "loading"
    await hive.lease()
    unknown = await queen.ask(model="other:1b")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    known = await queen.ask()
    assert (known.status_code, known.json()["error"]["code"]) == (503, "no_worker_available")
    assert known.headers["Retry-After"] == "1"
    assert known.json()["error"]["details"]["blocked"] == {"worker_not_ready": 1}
    assert await queen.metric("queen_requests_total", outcome="rejected") == 2


async def test_a_request_that_is_not_valid_is_400_and_takes_no_worker(queen, start_hive):
    hive = await start_hive("h1", "a1")
    answer = await queen.ask(messages="x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "validation_failed")
    assert hive.workers["a1"].served == []


async def test_with_all_slots_busy_one_waits_as_the_bound_says_and_the_next_is_429(queen, start_hive):
    hive = await start_hive("h1", "a1", beat=False)
    worker = hive.workers["a1"]
    worker.slots, worker.behaviour = 2, "wait"
    await hive.beat()
    running = [asyncio.create_task(queen.ask()) for _ in range(2)]
    await until_async(lambda: worker.busy == 2, "both requests at the worker")
    waiting = asyncio.create_task(queen.ask())
    await until_async(lambda: len(queen.queen.dispatcher.lines) == 1, "the third request waits")
    assert await queen.metric("queen_requests_waiting") == 1
    refused = await queen.ask()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "busy")
    assert refused.headers["Retry-After"] == "1"
    hive.release.set()
    assert [(await task).status_code for task in [*running, waiting]] == [200, 200, 200]
    assert await queen.metric("queen_requests_waiting") == 0
    assert (await queen.ask()).status_code == 200


async def test_a_client_that_hangs_up_gives_its_slot_back(queen, start_hive):
    hive = await start_hive("h1", "a1")
    worker = hive.workers["a1"]
    worker.behaviour = "wait"
    with pytest.raises(httpx.ReadTimeout):
        await queen.client.post("/v1/chat/completions", json=_body(), timeout=0.2)
    await until_async(lambda: worker.busy == 0, "the hive lost the connection", within_s=1)
    assert queen.queen.cluster.ledger.own("a1", "i1") == 0
    await until_async(lambda: not queen.queen.inflight, "nothing runs", within_s=1)
    assert await queen.metric("queen_requests_total", outcome="client_gone") == 1


FAILURES = ["abort", "503:draining", "502:worker_lost", "503:no_worker_available", "404:worker_not_found"]


@pytest.mark.parametrize("behaviour", FAILURES)
async def test_before_the_first_byte_another_worker_is_tried(queen, start_hive, behaviour):
    bad = await start_hive("h1", "a1")
    good = await start_hive("h2", "b1")
    bad.workers["a1"].behaviour = behaviour
    answer = await queen.ask("once")
    assert (answer.status_code, answer.json()["worker"]) == (200, "b1")
    assert (bad.workers["a1"].served, good.workers["b1"].served) == (["once"], ["once"])
    assert await queen.metric("queen_retries_total") == 1
    # Marked down: the next ones do not even try it.
    for _ in range(4):
        assert (await queen.ask()).json()["worker"] == "b1"
    assert len(bad.workers["a1"].served) == 1
    part = "hive" if behaviour == "abort" else "worker"
    assert await queen.metric("queen_markdowns_total", part=part) == 1


async def test_the_other_worker_may_be_on_the_same_hive(queen, start_hive):
    hive = await start_hive("h1", "a1", "a2")
    hive.workers["a1"].behaviour = "502:worker_lost"
    assert [(await queen.ask()).json()["worker"] for _ in range(3)] == ["a2"] * 3


async def test_at_most_two_retries(queen, start_hive):
    hive = await start_hive("h1", "a1", "a2", "a3", "a4")
    for worker in hive.workers.values():
        worker.behaviour = "502:worker_lost"
    answer = await queen.ask()
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "worker_lost")
    assert answer.headers["Retry-After"]
    assert sum(len(worker.served) for worker in hive.workers.values()) == 3


async def test_a_hive_that_is_gone_is_502_and_then_503(queen, start_hive):
    hive = await start_hive("h1", "a1")
    await hive.close()
    first = await queen.ask()
    assert (first.status_code, first.json()["error"]["code"]) == (502, "hive_unreachable")
    second = await queen.ask()
    assert (second.status_code, second.json()["error"]["code"]) == (503, "no_worker_available")
    assert set(second.json()["error"]["details"]["blocked"]) <= {"hive_marked_down", "hive_suspect"}


async def test_a_marked_down_worker_is_asked_again_after_the_cool_down(start_queen, start_hive):
    async with start_queen(mark_down_ms=300) as queen:
        hive = await start_hive("h1", "a1", queen_url=queen.url)
        hive.workers["a1"].behaviour = "502:worker_lost"
        assert (await queen.ask()).status_code == 502
        assert (await queen.ask()).status_code == 503
        hive.workers["a1"].behaviour = "serve"
        began = time.monotonic()
        await until_async(lambda: _is_served(queen), "served again")
        assert time.monotonic() - began > 0.15


async def _is_served(queen):
    return (await queen.ask()).status_code == 200


@pytest.mark.parametrize("status", [400, 429, 409])
async def test_a_client_error_is_passed_on_and_counts_against_nobody(queen, start_hive, status):
    hive = await start_hive("h1", "a1")
    code = {400: "validation_failed", 429: "busy", 409: "duplicate_request"}[status]
    hive.workers["a1"].behaviour = f"{status}:{code}"
    for _ in range(3):
        answer = await queen.ask()
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    hive.workers["a1"].behaviour = "serve"
    assert (await queen.ask()).status_code == 200
    assert await queen.metric("queen_markdowns_total", part="worker") == 0


@pytest.mark.parametrize("behaviour", ["break", "end without done", "error chunk"])
async def test_after_the_first_byte_nothing_is_retried(queen, start_hive, behaviour):
    bad = await start_hive("h1", "a1")
    good = await start_hive("h2", "b1")
    bad.workers["a1"].behaviour = behaviour
    status, text = await stream(queen, "once")
    assert status == 200
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert json.loads(events[0]) == {"token": 0}
    assert set(json.loads(events[-1])) == {"error"}
    assert len(events) == 2
    assert good.workers["b1"].served == []
    assert await queen.metric("queen_requests_total", outcome="error") == 1
    assert await queen.metric("queen_requests_total", outcome="served") == 0


async def test_delete_cancels_here_and_at_the_hive_and_may_be_repeated(queen, start_hive):
    hive = await start_hive("h1", "a1")
    hive.workers["a1"].behaviour = "hold"
    task = asyncio.create_task(stream(queen, "to-cancel"))
    await until_async(lambda: hive.workers["a1"].busy == 1, "the request runs")
    for _ in range(2):
        assert (await queen.client.delete("/v1/requests/to-cancel")).status_code == 204
    _, text = await task
    last = json.loads(text.strip().splitlines()[-1].removeprefix("data: "))
    assert (last["error"]["code"], last["error"]["request_id"]) == ("cancelled", "to-cancel")
    await until_async(lambda: hive.cancelled == ["to-cancel"], "the hive was told once")
    await until_async(lambda: hive.workers["a1"].busy == 0, "the hive's request ended")
    assert queen.queen.cluster.ledger.own("a1", "i1") == 0
    assert await queen.metric("queen_requests_total", outcome="cancelled") == 1


async def test_the_deadline_ends_a_request_with_504(queen, start_hive):
    hive = await start_hive("h1", "a1")
    hive.workers["a1"].behaviour = "wait"
    headers = {"X-Deadline-Ms": "200"}
    answer = await queen.client.post("/v1/chat/completions", json=_body(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")
    await until_async(lambda: hive.workers["a1"].busy == 0, "the hive's request ended")
    hive.workers["a1"].behaviour = "serve"
    assert (await queen.ask()).status_code == 200  # it was the deadline, not the worker


async def test_an_id_that_is_running_is_409(queen, start_hive):
    hive = await start_hive("h1", "a1")
    hive.workers["a1"].behaviour = "wait"
    task = asyncio.create_task(queen.ask("twice"))
    await until_async(lambda: hive.workers["a1"].busy == 1, "the request runs")
    assert (await queen.ask("twice")).status_code == 409
    hive.release.set()
    assert (await task).status_code == 200
    assert hive.workers["a1"].served == ["twice"]


def _body():
    return {"model": "tiny:1b", "messages": [{"role": "user", "content": "x"}]}
