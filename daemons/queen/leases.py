"""When a hive counts as available, suspect or unavailable: pure rules over its leases and its probes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from daemons.common.wire import HiveState


class StateReason(StrEnum):
    """Why a hive is not available."""

    LEASE_LATE = "lease_late"
    LEASE_EXPIRED = "lease_expired"
    PROBES_FAILED = "probes_failed"
    NOT_HEARD_YET = "not_heard_yet"  # known from the database; it has not sent this queen a lease
    NEVER_HEARD = "never_heard"  # the same, a whole lease after this queen started


@dataclass(frozen=True, slots=True)
class LeaseRules:
    """The bounds that decide a hive's state; seconds, from the durations of the configuration."""

    heartbeat_s: float
    lease_s: float
    probe_strikes: int
    orphan_grace_s: float

    @property
    def suspect_after_s(self) -> float:
        """Silence after which a hive is suspect: half-way between the next heartbeat and the end of the lease.

        With a lease of three heartbeats one may come a whole interval late, which happens on a loaded machine; with the
        shortest lease, of two, half an interval.
        """
        return (self.heartbeat_s + self.lease_s) / 2

    @property
    def stale_after_s(self) -> float:
        """Silence after which the rows of a hive's workers are dropped.

        A worker without a hive ends itself after the orphan grace, and a hive that is cut off for longer will
        send its complete state again: from here on the rows are not true any more.
        """
        return self.lease_s + self.orphan_grace_s


def hive_state(
    rules: LeaseRules, *, heard: bool, silent_s: float, strikes: int
) -> tuple[HiveState, StateReason | None]:
    """Return the state of one hive, and the reason when it is not available.

    heard: a lease of its present instance came in this queen's life. silent_s: seconds since that lease or,
    when none came, since the queen knows of the hive. strikes: failed probes in a row.

    A restarted queen gives every hive one lease time: one that has not sent a lease yet is suspect (known, not routed
    to) for that long, whatever its probes say.
    """
    if not heard:
        if silent_s < rules.lease_s:
            return HiveState.SUSPECT, StateReason.NOT_HEARD_YET
        return HiveState.UNAVAILABLE, StateReason.NEVER_HEARD
    if silent_s >= rules.lease_s:
        return HiveState.UNAVAILABLE, StateReason.LEASE_EXPIRED
    if strikes >= rules.probe_strikes:
        return HiveState.UNAVAILABLE, StateReason.PROBES_FAILED
    if silent_s >= rules.suspect_after_s:
        return HiveState.SUSPECT, StateReason.LEASE_LATE
    return HiveState.AVAILABLE, None
