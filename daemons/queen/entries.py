"""The registry's entries of one hive and of one worker."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from daemons.common.wire import HiveLease, HiveState, WorkerRow
from daemons.queen.changes import Change


class LeaseVerdict(StrEnum):
    """What the registry did with a hive's lease."""

    ACCEPTED = "accepted"
    OLD = "old"  # an older sequence of the live instance: no effect
    GONE = "gone"  # the instance was superseded, or the hive removed: 410


@dataclass(slots=True)
class HiveEntry:
    """One hive. `lease` is its last complete state."""

    hive_id: str
    lease: HiveLease
    known_since: float  # monotonic seconds: since when this queen knows of the instance
    heard_at: float | None = None  # the last lease in this queen's life
    pushed_sequence: int = -1  # of that lease; `lease` may be a later one, which was pulled
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
        """Whether the hive is about to stop."""
        return self.lease.state == "draining"

    def silent_s(self, now: float) -> float:
        """Return the seconds since the last lease, or since this queen knows of the hive."""
        return now - (self.heard_at if self.heard_at is not None else self.known_since)


@dataclass(slots=True)
class WorkerEntry:
    """One worker's row, and its hive."""

    hive_id: str
    row: WorkerRow
    leased: bool = False  # the row came in a lease of the hive's live instance
    provisional_until: float = 0.0  # the row of a spawn's answer is kept until a lease can have had it
    last_pid: int | None = None  # of its last process: a row that waits for a restart names none


@dataclass(frozen=True, slots=True)
class LeaseOutcome:
    """The outcome of one lease: the verdict, what changed, and worker ids that another hive holds."""

    verdict: LeaseVerdict
    changes: list[Change] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def hive_fields(hive: HiveEntry) -> dict[str, object]:
    """Return the fields of every event about a hive."""
    return {
        "hive_id": hive.hive_id,
        "instance": hive.instance,
        "version": hive.lease.version,
        "pid": hive.lease.pid,
    }
