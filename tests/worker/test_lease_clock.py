"""How long a worker waits for its hive, and when it counts as an orphan."""

from __future__ import annotations

import pytest

from daemons.common.durations import Durations
from daemons.worker.lease import LeaseClock

DURATIONS = Durations(heartbeat_ms=1_000, lease_ms=3_000, orphan_grace_ms=6_000, probe_timeout_ms=2_000)


@pytest.fixture
def clock():
    return LeaseClock(DURATIONS, renewed_at=100.0)


def test_a_hive_that_stays_away_for_the_grace_is_gone(clock):
    assert [clock.is_orphan(3, now) for now in (101, 105.9, 106)] == [False, False, True]


def test_a_renewal_begins_the_grace_anew(clock):
    clock.renewed_at = 105.5
    assert [clock.is_orphan(3, now) for now in (111, 111.4, 111.6)] == [False, False, True]


def test_a_worker_that_was_stopped_itself_tries_again_before_it_gives_up(clock):
    assert not clock.is_orphan(1, 500), "this push was on its way while the worker was stopped"
    assert clock.is_orphan(2, 501)


@pytest.mark.parametrize(
    ("now", "timeout_ms"), [(100, 2_000), (104, 2_000), (104.5, 1_500), (105.5, 1_000), (107, 1_000)]
)
def test_a_push_waits_no_longer_than_the_grace_but_a_heartbeat_at_least(clock, now, timeout_ms):
    assert clock.timeout_ms(now) == timeout_ms


def test_a_lease_expires(clock):
    assert not clock.expired(103)
    assert clock.expired(103.1)
