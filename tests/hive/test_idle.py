"""Idle time: it counts from the last work, a busy worker has none, and a health check is not work."""

from __future__ import annotations

import pytest

from daemons.common.wire import RestartPolicy, WorkerLease, WorkerState
from daemons.hive.worker_spec import WorkerSpec
from daemons.hive.workers.facts import ProcessFacts, WorkerFacts

IDLE_STOP_MS = 1000


def lease(*, busy: int = 0, served: int = 0) -> WorkerLease:
    return WorkerLease(
        instance="i", pid=1, start_ticks=1, port=1, state=WorkerState.READY,
        slots_total=2, slots_busy=busy, served_total=served, load_progress=1.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("active_at_ms", "relaying", "now_ms", "left_ms"),
    [(0, 0, 0, 1000), (0, 0, 400, 600), (0, 0, 1000, 0), (500, 0, 1000, 500), (0, 0, 1300, -300), (0, 1, 5000, 1000)],
)
def test_what_is_left_of_the_idle_time(active_at_ms, relaying, now_ms, left_ms):
    process = ProcessFacts(active_at_ms=active_at_ms, relaying=relaying)
    assert process.idle_left_ms(IDLE_STOP_MS, now_ms=now_ms) == left_ms


def test_a_request_that_has_just_ended_begins_the_idle_time_anew():
    process = ProcessFacts(relaying=1)
    process.idle_left_ms(IDLE_STOP_MS, now_ms=5000)
    process.relaying = 0
    assert process.idle_left_ms(IDLE_STOP_MS, now_ms=5400) == 600


def test_a_lease_is_no_work_but_what_it_says_may_be():
    facts = WorkerFacts(WorkerSpec(id="w", model="m", slots=2, restart=RestartPolicy.NEVER, token_interval_ms=1))
    process = facts.begin(pid=1)
    for now_ms, sent, active_at_ms in [
        (100, lease(), 100),  # it became ready
        (200, lease(), 100),
        (300, lease(busy=1), 300),
        (400, lease(served=1), 400),
        (500, lease(served=1), 400),
    ]:
        facts.take_lease(sent, now_ms=now_ms, lease_ms=15_000, stop_asked=False)
        assert process.active_at_ms == active_at_ms, f"after the lease at {now_ms} ms"
