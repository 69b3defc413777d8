"""The life of workers under a real hive: spawned, ready, crashed, restarted, failed, stopped."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from daemons.common.process import is_same_process


def test_a_worker_that_crashes_at_every_start_is_failed_and_left_alone(hive):
    hive.spawn("dies")
    row = hive.until("dies", "failed")
    assert (row["reason"], row["restarts"], row["pid"]) == ("restart_limit", 3, None)
    assert len(hive.events("worker_started")) == 4
    health = hive.get("/health").json()
    assert health["status"] == "degraded"
    assert any("dies" in reason for reason in health["reasons"])


@pytest.mark.parametrize(
    ("worker_id", "reason", "words"),
    [("corrupt", "model_missing_or_corrupt", "no header"), ("misread", "configuration", "bad configuration")],
)
def test_an_exit_that_says_why_is_not_tried_again(hive, worker_id, reason, words):
    hive.spawn(worker_id, restart="always")
    row = hive.until(worker_id, "failed")
    assert (row["reason"], row["restarts"]) == (reason, 0)
    assert words in row["detail"]
    assert str(hive.folder) not in row["detail"], "no host path"
    assert len(hive.events("worker_started")) == 1
    assert hive.ask("DELETE", f"/v1/workers/{worker_id}").status_code == 202
    hive.until(worker_id, None)


@pytest.mark.parametrize(("worker_id", "bound"), [("mute", "start_up_ms"), ("loads", "start_up_loading_ms")])
def test_a_worker_without_a_ready_call_is_killed_by_its_identity(make_hive, worker_id, bound):
    hive = make_hive(start_up_ms=500, start_up_loading_ms=900).start()
    hive.spawn(worker_id)
    row = hive.until(worker_id, "failed")
    assert row["reason"] == "start_up_timeout"
    (killed,) = hive.events("worker_killed")
    (started,) = hive.events("worker_started")
    assert (killed["pid"], killed["start_ticks"]) == (started["pid"], started["start_ticks"])
    assert (killed["reason"], killed["signal"]) == ("start_up_timeout", "SIGKILL")
    assert killed["last_lines"] == ["up"]
    assert not psutil.pid_exists(started["pid"])


def test_a_worker_that_ended_in_order_by_itself_rests(hive):
    row = hive.ready("polite")
    os.kill(row["pid"], signal.SIGTERM)
    after = hive.until("polite", "stopped")
    assert (after["reason"], after["pid"]) == ("exited", None)
    assert hive.ask("POST", "/v1/workers/polite/restart").status_code == 202
    assert hive.until("polite", "ready")["restarts"] == 1


def test_a_restart_through_the_api(hive):
    before = hive.ready("polite")
    assert hive.ask("POST", "/v1/workers/polite/restart").status_code == 202
    hive.wait(lambda: (hive.row("polite") or {}).get("restarts") == 1, "a restart")
    after = hive.until("polite", "ready")
    assert after["instance"] != before["instance"]
    (ended,) = hive.events("worker_exited")
    assert (ended["exit_status"], ended["asked"]) == (0, True)


def test_a_graceful_stop(hive):
    row = hive.ready("polite")
    answer = hive.ask("DELETE", "/v1/workers/polite")
    assert (answer.status_code, answer.json()["state"]) == (202, "draining")
    hive.until("polite", None)
    (gone,) = hive.get("/v1/lease").json()["departed"]
    assert (gone["id"], gone["instance"], gone["pid"]) == ("polite", row["instance"], row["pid"])
    assert (gone["exit_status"], gone["signal"], gone["reason"], gone["forced"]) == (0, None, "stop_asked", False)
    assert not psutil.pid_exists(row["pid"])
    assert hive.ask("DELETE", "/v1/workers/polite").status_code == 404


@pytest.mark.parametrize(
    ("worker_id", "reason", "at_least_s"), [("stubborn", "term_ignored", 0.4), ("drains", "drain_overran", 0.8)]
)
def test_a_worker_that_does_not_end_is_killed_and_it_is_said(hive, worker_id, reason, at_least_s):
    row = hive.ready(worker_id)
    began = time.monotonic()
    hive.ask("DELETE", f"/v1/workers/{worker_id}")
    hive.until(worker_id, None)
    assert at_least_s <= time.monotonic() - began < at_least_s + 1
    (killed,) = hive.events("worker_killed")
    assert (killed["worker_id"], killed["pid"]) == (worker_id, row["pid"])
    assert (killed["reason"], killed["signal"]) == (reason, "SIGKILL")
    (gone,) = hive.get("/v1/lease").json()["departed"]
    assert (gone["signal"], gone["reason"], gone["forced"]) == (9, reason, True)


def test_force_kills_at_once_also_into_a_stop_under_way(make_hive):
    hive = make_hive(kill_grace_ms=10_000).start()
    hive.ready("stubborn")
    hive.ask("DELETE", "/v1/workers/stubborn")
    assert hive.state("stubborn") == "draining"
    assert hive.ask("DELETE", "/v1/workers/stubborn?force=true").status_code == 202
    hive.until("stubborn", None)
    assert [event["reason"] for event in hive.events("worker_killed")] == ["forced"]


def test_a_stop_right_after_the_spawn(hive):
    for n in range(5):
        hive.spawn(f"polite-{n}")
        assert hive.ask("DELETE", f"/v1/workers/polite-{n}").status_code == 202
    hive.wait(lambda: hive.get("/v1/workers").json()["workers"] == [], "no worker")
    assert not [each for each in hive.started() if is_same_process(each["pid"], each["start_ticks"])]


def test_a_hive_that_is_stopped_stops_its_workers_at_the_same_time(hive):
    rows = [hive.ready("polite"), hive.ready("stubborn"), hive.ready("stubborn-2")]
    began = time.monotonic()
    assert hive.stop() == 0
    assert time.monotonic() - began < 2
    assert not [row for row in rows if psutil.pid_exists(row["pid"])]
    assert [event["progress"] for event in hive.events("worker_stopped")] == ["1/3", "2/3", "3/3"]
    assert {event["worker_id"] for event in hive.events("worker_killed")} == {"stubborn", "stubborn-2"}


def test_a_second_signal_ends_the_hive_alone(hive):
    row = hive.ready("stubborn")
    os.kill(hive.pid, signal.SIGTERM)
    hive.wait(lambda: hive.events("stopping"), "the stop")
    assert hive.stop() == 128 + signal.SIGTERM
    assert is_same_process(row["pid"], row["start_ticks"])
