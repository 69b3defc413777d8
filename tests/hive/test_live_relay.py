"""Inference through a real hive to real workers."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .live import REAL_WORKER

CHAT = "/v1/chat/completions"


@pytest.fixture
def hive(make_hive):
    """A hive with real workers."""
    return make_hive("--worker.token_interval_ms", "10", command=REAL_WORKER).start()


def body(tokens: int, **more) -> dict[str, object]:
    message = {"role": "user", "content": "hello bees"}
    return {"model": "tiny:1b", "messages": [message], "max_tokens": tokens, **more}


def stream(hive, tokens: int, **headers: str):
    url = f"http://127.0.0.1:{hive.port}{CHAT}"
    return httpx.stream("POST", url, json=body(tokens, stream=True), headers=headers, timeout=10)


def events(lines) -> list[str]:
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


def test_a_stream_arrives_and_is_counted(hive):
    hive.ready("w")
    with stream(hive, 5, **{"x-request-id": "mine"}) as answer:
        found = events(answer.iter_lines())
    assert (answer.status_code, answer.headers["x-worker-id"], answer.headers["x-request-id"]) == (200, "w", "mine")
    assert found[-1] == "[DONE]"
    row = hive.row("w")
    assert (row["served_total"], row["slots_busy"]) == (1, 0)
    assert hive.metric('hive_requests_total{outcome="served"}') == 1


def test_the_answer_that_is_not_streamed_is_the_same(hive):
    hive.ready("w")
    whole = hive.ask("POST", CHAT, body(5)).json()["choices"][0]["message"]["content"]
    with stream(hive, 5) as answer:
        chunks = [json.loads(each) for each in events(answer.iter_lines()) if each != "[DONE]"]
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == whole


def test_a_stop_lets_the_stream_finish_and_refuses_new_ones(hive):
    hive.ready("w")
    with stream(hive, 20) as answer:
        lines = answer.iter_lines()
        next(lines)
        hive.ask("DELETE", "/v1/workers/w")
        refused = hive.ask("POST", CHAT, body(2))
        found = events(lines)
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert refused.json()["error"]["code"] == "no_worker_available"
    assert found[-1] == "[DONE]"
    hive.until("w", None)
    assert hive.events("worker_exited")[0]["exit_status"] == 0


def test_more_than_the_slots_are_told_to_come_back(hive):
    hive.ready("w", slots=2)
    with stream(hive, 500) as one, stream(hive, 500) as other:
        reading = [one.iter_lines(), other.iter_lines()]  # an iterator that is dropped closes its stream
        for lines in reading:
            next(lines)
        assert hive.row("w")["slots_busy"] == 2
        refused = hive.ask("POST", CHAT, body(2))
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "busy")
        assert refused.headers["retry-after"]
    hive.wait(lambda: hive.row("w")["slots_busy"] == 0, "the slots of clients that hung up")
    hive.wait(lambda: hive.metric('hive_requests_total{outcome="client_gone"}') == 2, "counted so")
    assert hive.ask("POST", CHAT, body(2)).status_code == 200


def test_simultaneous_requests_go_to_the_worker_with_room(hive):
    hive.spawn("a")
    hive.spawn("b")
    hive.until("a", "ready")
    hive.until("b", "ready")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: hive.ask("POST", CHAT, body(30)), range(4)))
    assert sorted(answer.headers["x-worker-id"] for answer in answers) == ["a", "a", "b", "b"]


def test_the_queens_choice_is_kept_to(hive):
    hive.spawn("a")
    hive.ready("b")
    hive.until("a", "ready")
    url = f"http://127.0.0.1:{hive.port}{CHAT}"
    for chosen in ("b", "b", "a"):
        assert httpx.post(url, json=body(1), headers={"x-worker-id": chosen}).headers["x-worker-id"] == chosen
    unknown = httpx.post(url, json=body(1), headers={"x-worker-id": "c"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (503, "no_worker_available")


def test_cancel(hive):
    hive.ready("w")
    with stream(hive, 500, **{"x-request-id": "long"}) as answer:
        lines = answer.iter_lines()
        next(lines)
        assert hive.ask("DELETE", "/v1/requests/long").status_code == 204
        found = events(lines)
    assert json.loads(found[-1])["error"]["code"] == "cancelled"
    assert hive.ask("DELETE", "/v1/requests/long").status_code == 204
    hive.wait(lambda: hive.row("w")["slots_busy"] == 0, "its slot")


def test_what_cannot_be_served(hive):
    unknown = hive.ask("POST", CHAT, body(1) | {"model": "unknown"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    nobody = hive.ask("POST", CHAT, body(1))
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (503, "no_worker_available")
    assert hive.ask("POST", CHAT, {"model": 3}).status_code == 400


def test_a_hive_that_stops_lets_streams_finish_within_its_drain(hive):
    hive.ready("w")
    with stream(hive, 15) as answer:
        lines = answer.iter_lines()
        next(lines)
        os.kill(hive.pid, signal.SIGTERM)
        found = events(lines)
    assert found[-1] == "[DONE]"
    assert hive.child.wait(10) == 0


def test_a_stream_that_is_longer_than_the_drain_is_told_so(hive):
    hive.ready("w")
    with stream(hive, 5_000) as answer:
        lines = answer.iter_lines()
        next(lines)
        os.kill(hive.pid, signal.SIGTERM)
        found = events(lines)
    assert json.loads(found[-1])["error"]["code"] == "draining"
    assert hive.child.wait(10) == 0
