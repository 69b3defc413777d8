"""A worker alone, as a process: its answers, its slots, its cancellations, its metrics."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from openai import OpenAI

from tests.waiting import until

URL = "/v1/chat/completions"


@pytest.fixture
def worker(start):
    process = start("--worker_id", "wrk-1", "--slots", "2")
    process.wait_for("model_loaded")
    return process


def metric(http: httpx.Client, worker, name: str) -> float:
    for line in http.get(worker.url + "/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")


def test_a_stream_and_a_whole_answer_say_the_same(worker, http, chat, parse_events):
    streamed = http.post(worker.url + URL, json=chat | {"stream": True, "max_tokens": 8})
    whole = http.post(worker.url + URL, json=chat | {"max_tokens": 8})
    *tokens, last, done = parse_events(streamed.content)
    assert done == "[DONE]"
    assert last["choices"][0]["finish_reason"] == "length"
    assert tokens[0]["choices"][0]["delta"]["role"] == "assistant"
    text = "".join(chunk["choices"][0]["delta"]["content"] for chunk in tokens)
    assert whole.json()["choices"][0]["message"]["content"] == text
    assert whole.json()["usage"] == {"prompt_tokens": 3, "completion_tokens": 8, "total_tokens": 11}
    assert streamed.headers["x-worker-id"] == whole.headers["x-worker-id"] == "wrk-1"
    assert metric(http, worker, "worker_tokens_total") == 16
    assert metric(http, worker, 'worker_requests_total{outcome="served"}') == 2
    assert http.get(worker.url + "/health").json()["served_total"] == 2


def test_completions_and_usage(worker, http, parse_events):
    body = {"model": "tiny:1b", "prompt": "a b c", "max_tokens": 4}
    whole = http.post(worker.url + "/v1/completions", json=body | {"prompt": ["a b c"]}).json()
    options = {"stream": True, "stream_options": {"include_usage": True}}
    *tokens, last, usage, done = parse_events(http.post(worker.url + "/v1/completions", json=body | options).content)
    assert "".join(chunk["choices"][0]["text"] for chunk in tokens) == whole["choices"][0]["text"]
    assert (last["choices"][0]["finish_reason"], done) == ("length", "[DONE]")
    assert usage["usage"] == whole["usage"] == {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def test_the_official_client_works_unchanged(worker):
    with OpenAI(base_url=worker.url + "/v1", api_key="none", max_retries=0) as client:
        messages = [{"role": "user", "content": "hello"}]
        parts = client.chat.completions.create(model="tiny:1b", messages=messages, stream=True, max_tokens=5)
        streamed = "".join(part.choices[0].delta.content or "" for part in parts)
        whole = client.chat.completions.create(model="tiny:1b", messages=messages, max_tokens=5)
        assert whole.choices[0].message.content == streamed
        assert client.completions.create(model="tiny:1b", prompt="x").usage.completion_tokens == 16


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"model": "other"}, 404, "model_not_found"),
        ({"max_tokens": 0}, 400, "validation_failed"),
        ({"max_tokens": "5"}, 400, "validation_failed"),
        ({"max_tokens": 100_001}, 400, "validation_failed"),
        ({"messages": []}, 400, "validation_failed"),
        ({"messages": [{"role": "user", "content": 7}]}, 400, "validation_failed"),
        ({"stream": "yes"}, 400, "validation_failed"),
        ({"n": 2}, 400, "validation_failed"),
        ({"seed": 1.5}, 400, "validation_failed"),
    ],
)
def test_what_it_refuses(worker, http, chat, change, status, code):
    answer = http.post(worker.url + URL, json=chat | change)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert metric(http, worker, "worker_tokens_total") == 0


def test_what_it_ignores_or_reads_in_two_ways(worker, http, chat):
    parts = [{"role": "user", "content": [{"type": "text", "text": "hello "}, {"type": "text", "text": "bees"}]}]
    changes = (
        {},
        {"temperature": 0.2, "tools": None, "x": {}},
        {"messages": parts},
        {"max_completion_tokens": 16, "max_tokens": 3},
    )
    texts = {
        http.post(worker.url + URL, json=chat | change).json()["choices"][0]["message"]["content"] for change in changes
    }
    assert len(texts) == 1


def test_full_is_an_answer_at_once(worker, http, chat):
    long = chat | {"stream": True, "max_tokens": 10_000}
    with (
        http.stream("POST", worker.url + URL, json=long) as one,
        http.stream("POST", worker.url + URL, json=long) as two,
    ):
        reading = [one.iter_raw(), two.iter_raw()]  # kept: a dropped iterator closes its connection
        assert all(next(parts) for parts in reading)
        health = http.get(worker.url + "/health").json()
        assert (health["slots_busy"], health["requests_running"]) == (2, 2)
        third = http.post(worker.url + URL, json=chat)
    assert (third.status_code, third.json()["error"]["code"], third.headers["retry-after"]) == (429, "busy", "1")


@pytest.mark.parametrize("stream", [True, False])
def test_a_hang_up_frees_the_slot_and_stops_the_tokens(worker, http, chat, stream):
    body = chat | {"stream": stream, "max_tokens": 10_000}
    if stream:
        with http.stream("POST", worker.url + URL, json=body) as answer:
            next(answer.iter_raw())
    else:
        with pytest.raises(httpx.ReadTimeout):
            http.post(worker.url + URL, json=body, timeout=0.1)
    until(lambda: metric(http, worker, "worker_slots_busy") == 0, "its slot is free", within_s=1.0)
    tokens = metric(http, worker, "worker_tokens_total")
    time.sleep(0.05)
    assert metric(http, worker, "worker_tokens_total") == tokens
    assert metric(http, worker, 'worker_requests_total{outcome="client_gone"}') == 1


@pytest.mark.parametrize("stream", [True, False])
def test_delete_ends_a_request(worker, http, chat, stream, parse_events):
    body = chat | {"stream": stream, "max_tokens": 10_000}
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(httpx.post, worker.url + URL, json=body, headers={"x-request-id": "abc"}, trust_env=False)
        until(lambda: metric(http, worker, "worker_tokens_total") > 2, "it generates")
        assert [http.delete(worker.url + "/v1/requests/abc").status_code for _ in range(2)] == [204, 204]
        answer = asked.result(timeout=2)
    error = parse_events(answer.content)[-1]["error"] if stream else answer.json()["error"]
    assert (answer.status_code, error["code"], error["request_id"]) == (200 if stream else 499, "cancelled", "abc")
    assert b"[DONE]" not in answer.content
    assert metric(http, worker, 'worker_requests_total{outcome="cancelled"}') == 1


def test_the_deadline_ends_a_request(worker, http, chat, parse_events):
    body = chat | {"max_tokens": 10_000}
    whole = http.post(worker.url + URL, json=body, headers={"x-deadline-ms": "150"})
    streamed = http.post(worker.url + URL, json=body | {"stream": True}, headers={"x-deadline-ms": "150"})
    assert (whole.status_code, whole.json()["error"]["code"]) == (504, "deadline_exceeded")
    assert parse_events(streamed.content)[-1]["error"]["code"] == "deadline_exceeded"
    assert metric(http, worker, "worker_slots_busy") == 0


def test_a_slow_reader_loses_nothing_and_costs_no_memory(start, http, chat, parse_events):
    """100,000 tokens are more than the kernel's buffers hold: the worker has to wait, and must not hoard."""
    worker = start("--engine.token_interval_ms", "0")
    until(lambda: http.get(worker.url + "/ready").status_code == 200, "it is ready")
    body = chat | {"stream": True, "max_tokens": 100_000}
    with http.stream("POST", worker.url + URL, json=body) as answer:
        parts = answer.iter_raw()
        content = next(parts)
        before = metric(http, worker, "process_resident_memory_bytes")
        counts = [0.0]

        def waits_for_its_reader() -> bool:
            time.sleep(0.1)
            counts.append(metric(http, worker, "worker_tokens_total"))
            return counts[-1] == counts[-2]

        until(waits_for_its_reader, "it waits for its reader")
        assert counts[-1] < 100_000
        assert metric(http, worker, "process_resident_memory_bytes") - before < 4 * 1024 * 1024
        content += b"".join(parts)
    assert content.count(b"data: ") == 100_002
    assert parse_events(content[-500:].partition(b"\n\n")[2])[-1] == "[DONE]"
