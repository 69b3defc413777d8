"""What the registry keeps of one hive and of one worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from daemons.common.wire import HiveLease, HiveState, WorkerRow
from daemons.queen.changes import Change


class LeaseVerdict(StrEnum):
    """What became of a hive's word."""

    ACCEPTED = "accepted"
    OLD = "old"  # an older sequence of the live instance: no effect
    GONE = "gone"  # the instance was superseded, or the hive removed: 410


@dataclass(slots=True)
class HiveEntry:
    """One hive. `lease` is its last full picture."""

    hive_id: str
    lease: HiveLease
    known_since: float  # monotonic seconds: when this queen learnt of the instance
    heard_at: float | None = None  # the last lease in this queen's life
    pushed_sequence: int = -1  # of that lease; `lease` may be a later picture, which was pulled
    strikes: int = 0
    state: HiveState | None = None  # as last announced
    announced_draining: bool = False
    conflicts: set[str] = field(default_factory=set)

    @property
    def instance(self) -> str:
        """The live instance."""
        return self.lease.instance

    @property
    def draining(self) -> bool:
        """The hive said that it is about to stop."""
        return self.lease.state == "draining"

    def silent_s(self, now: float) -> float:
        """Seconds since the last word, or since this queen learnt of it."""
        return now - (self.heard_at if self.heard_at is not None else self.known_since)


@dataclass(slots=True)
class WorkerEntry:
    """One worker's row, and the hive that it lives on."""

    hive_id: str
    row: WorkerRow
    leased: bool = False  # the row came in a lease of the hive's live instance
    provisional_until: float = 0.0  # a spawn's answer holds the row until a lease can have shown it
    last_pid: int | None = None  # of its last process: a row that waits for a restart names none


@dataclass(frozen=True, slots=True)
class Heard:
    """The outcome of one lease: the verdict, what changed, and worker ids that another hive holds."""

    verdict: LeaseVerdict
    changes: list[Change] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def hive_fields(hive: HiveEntry) -> dict[str, object]:
    """What every event about a hive says."""
    return {
        "hive_id": hive.hive_id,
        "instance": hive.instance,
        "version": hive.lease.version,
        "pid": hive.lease.pid,
    }
