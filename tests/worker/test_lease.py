"""A worker and its hive: the ready call, the heartbeat, the announced drain, and the two ends without a hive."""

from __future__ import annotations

import signal
import time

import pytest


@pytest.fixture
def worker(start, hive_flags):
    process = start(*hive_flags)
    process.wait_for("model_loaded")
    return process


def test_the_ready_call_says_who_and_where(worker, hive, http):
    lease = hive.wait_for(lambda lease: lease["state"] == "ready")
    health = http.get(worker.url + "/health").json()
    assert set(hive.paths) == {"/v1/workers/wrk-1/lease"}
    assert lease == {
        "instance": "inst-1",
        "pid": worker.child.pid,
        "start_ticks": health["start_ticks"],
        "port": worker.wait_for("listening")["port"],
        "state": "ready",
        "slots_total": 2,
        "slots_busy": 0,
        "served_total": 0,
        "load_progress": 1.0,
    }
    assert (health["name"], health["instance"]) == ("wrk-1", "inst-1")


def test_heartbeats_carry_the_picture_of_their_moment(worker, hive, http, chat):
    http.post(worker.url + "/v1/chat/completions", json=chat)
    hive.wait_for(lambda lease: lease["served_total"] == 1, 1)
    long = chat | {"stream": True, "max_tokens": 10_000}
    with http.stream("POST", worker.url + "/v1/chat/completions", json=long) as answer:
        parts = answer.iter_raw()
        assert next(parts)
        hive.wait_for(lambda lease: lease["slots_busy"] == 1, 1)
    count = len(hive.leases)
    hive.wait_for(lambda lease: len(hive.leases) >= count + 3, 1)


def test_a_drain_is_announced_before_it_begins(worker, hive):
    hive.wait_for(lambda lease: lease["state"] == "ready")
    worker.signal(signal.SIGTERM)
    hive.wait_for(lambda lease: lease["state"] == "draining", 1)
    assert worker.exit_status() == 0
    names = [event["event"] for event in worker.events]
    assert names.index("stopping") < names.index("drain_began")


def test_a_disowned_worker_drains_and_ends(worker, hive, http, chat, parse_events):
    hive.wait_for(lambda lease: lease["state"] == "ready")
    with http.stream(
        "POST", worker.url + "/v1/chat/completions", json=chat | {"stream": True, "max_tokens": 50}
    ) as answer:
        parts = answer.iter_raw()
        content = next(parts)
        hive.status = 410
        worker.wait_for("drain_began")
        content += b"".join(parts)
    assert parse_events(content)[-1] == "[DONE]"
    assert worker.exit_status() == 6
    assert "wrk-1: its hive has disowned it (410)" in worker.last_words()[0]


def test_an_orphan_ends_itself_after_the_grace(worker, hive):
    hive.wait_for(lambda lease: lease["state"] == "ready")
    hive.down()
    began = time.monotonic()
    assert worker.exit_status() == 6
    assert 0.5 <= time.monotonic() - began < 1.5
    assert "its hive is gone for 600 ms" in worker.last_words()[0]


def test_a_hive_that_returns_within_the_grace_keeps_its_worker(worker, hive):
    hive.wait_for(lambda lease: lease["state"] == "ready")
    hive.down()
    worker.wait_for("lease_not_renewed", count=3)
    count = len(hive.leases)
    hive.up()
    worker.wait_for("lease_renewed_again")
    assert len(hive.leases) > count
    hive.wait_for(lambda lease: len(hive.leases) > count + 8)
    assert worker.child.poll() is None


def test_a_hive_that_answers_with_errors_is_no_lease(worker, hive, http):
    hive.status = 503
    worker.wait_for("lease_not_renewed", count=7)  # past lease_ms
    assert http.get(worker.url + "/health").json()["status"] == "degraded"
    assert worker.exit_status() == 6


def test_a_stopped_worker_is_no_orphan_when_it_goes_on(worker, hive):
    hive.wait_for(lambda lease: lease["state"] == "ready")
    worker.signal(signal.SIGSTOP)
    time.sleep(1.0)  # well over the grace
    count = len(hive.leases)
    worker.signal(signal.SIGCONT)
    hive.wait_for(lambda lease: len(hive.leases) > count + 4)
    assert worker.child.poll() is None


def test_a_hive_that_is_not_there_yet(start, hive, hive_flags):
    hive.down()
    worker = start(*hive_flags)
    worker.wait_for("lease_not_renewed")
    hive.up()
    hive.wait_for(lambda lease: lease["state"] == "ready")
