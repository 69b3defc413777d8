"""When a worker pushes its lease again, and when it counts as an orphan."""

from __future__ import annotations

import pytest

from daemons.common.durations import Durations
from daemons.worker.lease import LeaseClock

DURATIONS = Durations(heartbeat_ms=1_000, lease_ms=3_000, orphan_grace_ms=6_000, probe_timeout_ms=2_000)


@pytest.fixture
def clock():
    return LeaseClock(DURATIONS, renewed_at=100.0)


@pytest.mark.parametrize(
    ("failures", "wait_s"), [(0, 1.0), (1, 0.1), (2, 0.2), (3, 0.4), (4, 0.8), (5, 1.0), (9999, 1.0)]
)
def test_failures_are_repeated_soon_and_then_at_the_heartbeat(clock, failures, wait_s):
    clock.failures = failures
    assert clock.wait_s() == pytest.approx(wait_s)


def test_a_hive_that_stays_away_for_the_grace_is_gone(clock):
    assert [clock.failed(now) for now in (101, 103, 105.9, 106)] == [False, False, False, True]


def test_a_renewal_begins_the_grace_anew(clock):
    clock.failed(105)
    clock.renewed(105.5)
    assert clock.failures == 0
    assert [clock.failed(now) for now in (111, 111.4, 111.6)] == [False, False, True]


def test_a_worker_that_was_stopped_itself_tries_again_before_it_gives_up(clock):
    assert not clock.failed(500), "this push was on its way while the worker was stopped"
    assert clock.failed(501)


@pytest.mark.parametrize(
    ("now", "patience_ms"), [(100, 2_000), (104, 2_000), (104.5, 1_500), (105.5, 1_000), (107, 1_000)]
)
def test_a_push_waits_no_longer_than_the_grace_but_a_heartbeat_at_least(clock, now, patience_ms):
    assert clock.patience_ms(now) == patience_ms


def test_a_lease_lapses(clock):
    assert not clock.lapsed(103)
    assert clock.lapsed(103.1)


@pytest.mark.parametrize(("failures", "spent_s", "wait_s"), [(0, 0.4, 0.6), (0, 2, 0), (1, 1, 0), (5, 0.25, 0.75)])
def test_the_pause_counts_from_the_begin_of_the_push(clock, failures, spent_s, wait_s):
    clock.failures = failures
    assert clock.wait_s(spent_s) == pytest.approx(wait_s)
