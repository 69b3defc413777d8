"""The facts of a worker: leases that come late, health, and the numbers of the row."""

from __future__ import annotations

import pytest

from daemons.common.wire import RestartPolicy, WorkerLease, WorkerState
from daemons.hive.states import Reason, advances
from daemons.hive.worker_spec import WorkerSpec
from daemons.hive.workers.facts import WorkerFacts

LEASE_MS = 300


def facts() -> WorkerFacts:
    made = WorkerFacts(WorkerSpec("w", "tiny:1b", slots=2, restart=RestartPolicy.NEVER, token_interval_ms=0))
    made.begin(pid=7)
    return made


def lease(state: WorkerState, **more) -> WorkerLease:
    values = {"port": 4000, "slots_total": 2, "slots_busy": 0, "served_total": 0, "load_progress": 0.5} | more
    return WorkerLease(instance="i", pid=7, start_ticks=1, state=state, **values)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (WorkerState.STARTING, WorkerState.LOADING, True),
        (WorkerState.STARTING, WorkerState.READY, True),
        (WorkerState.LOADING, WorkerState.READY, True),
        (WorkerState.READY, WorkerState.DRAINING, True),
        (WorkerState.READY, WorkerState.LOADING, False),
        (WorkerState.DRAINING, WorkerState.READY, False),
        (WorkerState.READY, WorkerState.READY, False),
        (WorkerState.FAILED, WorkerState.READY, False),
        (WorkerState.STOPPED, WorkerState.LOADING, False),
    ],
)
def test_states_only_advance(before, after, expected):
    assert advances(before, after) is expected


def test_a_lease_that_comes_late_takes_nothing_back():
    worker = facts()
    assert worker.take_lease(
        lease(WorkerState.READY, load_progress=1.0, served_total=3), now_ms=0, lease_ms=15_000, stop_asked=False
    )
    assert not worker.take_lease(lease(WorkerState.LOADING), now_ms=1, lease_ms=15_000, stop_asked=False)
    row = worker.row(now_ms=1, lease_ms=LEASE_MS)
    assert (row.state, row.load_progress, row.served_total) == (WorkerState.READY, 1.0, 3)


def test_a_new_process_inherits_nothing():
    worker = facts()
    worker.take_lease(lease(WorkerState.READY, served_total=3), now_ms=0, lease_ms=15_000, stop_asked=False)
    worker.begin(pid=8)
    row = worker.row(now_ms=1, lease_ms=LEASE_MS)
    assert (row.state, row.pid, row.port, row.served_total, row.slots_total) == (WorkerState.STARTING, 8, None, 0, 0)


@pytest.mark.parametrize(("now_ms", "reason"), [(LEASE_MS, None), (LEASE_MS + 1, Reason.LEASE_EXPIRED)])
def test_a_worker_whose_lease_is_over_is_not_routed_to(now_ms, reason):
    worker = facts()
    worker.take_lease(lease(WorkerState.READY), now_ms=0, lease_ms=15_000, stop_asked=False)
    row = worker.row(now_ms=now_ms, lease_ms=LEASE_MS)
    assert (row.state, row.healthy, row.reason) == (WorkerState.READY, reason is None, reason)
    assert (worker.serving(now_ms=now_ms, lease_ms=LEASE_MS) is None) == (reason is not None)


def test_a_struck_out_worker_heals():
    worker = facts()
    worker.take_lease(lease(WorkerState.READY), now_ms=0, lease_ms=15_000, stop_asked=False)
    assert worker.process is not None
    worker.process.probes_well = False
    assert worker.row(now_ms=0, lease_ms=LEASE_MS).reason == Reason.UNHEALTHY
    assert worker.serving(now_ms=0, lease_ms=LEASE_MS) is None
    worker.process.probes_well = True
    assert worker.row(now_ms=0, lease_ms=LEASE_MS).healthy
    assert worker.serving(now_ms=0, lease_ms=LEASE_MS) is worker.process


def test_a_worker_marked_down_is_left_alone_for_a_while():
    worker = facts()
    worker.take_lease(lease(WorkerState.READY), now_ms=0, lease_ms=15_000, stop_asked=False)
    assert worker.process is not None
    worker.process.down_until_ms = 50
    assert worker.serving(now_ms=49, lease_ms=LEASE_MS) is None
    assert worker.serving(now_ms=50, lease_ms=LEASE_MS) is worker.process


def test_an_adopted_worker_counts_on_from_what_it_had_served():
    worker = facts()
    assert worker.process is not None
    worker.process.served_before = None
    worker.process.served_here = 2
    worker.take_lease(lease(WorkerState.READY, served_total=9), now_ms=0, lease_ms=15_000, stop_asked=False)
    worker.process.served_here += 1
    assert worker.row(now_ms=0, lease_ms=LEASE_MS).served_total == 10


def test_a_lease_after_one_that_ran_out_is_news():
    worker = facts()
    rules = {"lease_ms": 15_000, "stop_asked": False}
    worker.take_lease(lease(WorkerState.READY), now_ms=0, **rules)
    assert not worker.take_lease(lease(WorkerState.READY), now_ms=15_000, **rules), "on time"
    assert worker.take_lease(lease(WorkerState.READY), now_ms=30_001, **rules), "the queen must know that it is back"
