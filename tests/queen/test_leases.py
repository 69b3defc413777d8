"""A hive's state: silence, strikes, and the grace of a restarted queen."""

from __future__ import annotations

import pytest

from daemons.common.wire import HiveState
from daemons.queen.leases import LeaseRules, StateReason, hive_state

RULES = LeaseRules(heartbeat_s=5, lease_s=15, probe_strikes=3, orphan_grace_s=30)

CASES = [
    # heard, silent_s, strikes, state, reason
    (True, 0.0, 0, HiveState.AVAILABLE, None),
    (True, 9.99, 2, HiveState.AVAILABLE, None),
    (True, 10.0, 0, HiveState.SUSPECT, StateReason.LEASE_LATE),
    (True, 14.99, 0, HiveState.SUSPECT, StateReason.LEASE_LATE),
    (True, 15.0, 0, HiveState.UNAVAILABLE, StateReason.LEASE_EXPIRED),
    (True, 1000.0, 9, HiveState.UNAVAILABLE, StateReason.LEASE_EXPIRED),
    (True, 0.0, 3, HiveState.UNAVAILABLE, StateReason.PROBES_FAILED),
    (True, 11.0, 3, HiveState.UNAVAILABLE, StateReason.PROBES_FAILED),
    (False, 0.0, 0, HiveState.SUSPECT, StateReason.NOT_HEARD_YET),
    (False, 14.99, 9, HiveState.SUSPECT, StateReason.NOT_HEARD_YET),
    (False, 15.0, 0, HiveState.UNAVAILABLE, StateReason.NEVER_HEARD),
]


@pytest.mark.parametrize(("heard", "silent_s", "strikes", "state", "reason"), CASES)
def test_state(heard, silent_s, strikes, state, reason):
    assert hive_state(RULES, heard=heard, silent_s=silent_s, strikes=strikes) == (state, reason)


def test_suspect_comes_before_the_lease_ends_even_for_the_shortest_lease():
    shortest = LeaseRules(heartbeat_s=1, lease_s=2, probe_strikes=3, orphan_grace_s=2)
    assert shortest.heartbeat_s < shortest.suspect_after_s < shortest.lease_s < shortest.stale_after_s
    assert shortest.suspect_after_s == 1.5
