"""What a new hive does with the rows that an earlier one left behind. Pure: it judges what others observed.

A hive that was killed leaves its workers running, each in its own session. Its successor takes back exactly
those that it can prove are its own: by PID, start time *and* instance. A PID alone proves nothing, since the
kernel gives it to a stranger as soon as it is free; a start time counts clock ticks since boot, so it proves
something only within one boot.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class ProcessSeen(StrEnum):
    """What the process table says about the PID and start time of a row."""

    NOT_RECORDED = "not_recorded"
    """The row has no PID: the hive died between the spawn and the second write of the row, or before the spawn."""
    GONE = "gone"
    """No such process, a zombie, another boot, or the PID belongs to a stranger by now."""
    SAME = "same"
    """A live process with this PID, started at this tick of this boot."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """What the decision needs of a row: was a process ever wanted, and is it still."""

    instance: str | None
    """The instance of the process that was spawned for this row and not seen to end; None when there was none."""
    resting: bool
    """The row was `failed` or `stopped`: it has no process and wants none."""
    stopping: bool
    """An operator had asked for its stop."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was observed about the process of a row."""

    process: ProcessSeen
    proved_instance: str | None = None
    """The instance that its `/health`, or its own lease from that PID, gave; None while there was no answer."""
    runs_our_command: bool = False
    """Its command line names the configuration file that this hive's folder holds for this worker."""
    waited: bool = False
    """The time for the proof is over."""


class Adoption(Enum):
    """What to do with a row."""

    RESTORE = auto()
    """Keep the row as it is; there is nothing to run."""
    START = auto()
    """Start it: no process of it is left, and none was due to be judged."""
    ADOPT = auto()
    """Take the process back: same id, same PID, watched from now on."""
    AWAIT_PROOF = auto()
    """Leave it alone and wait, bounded, for its `/health` or its lease to prove the instance."""
    KILL = auto()
    """Kill it by identity, then treat it as crashed: it is ours by PID, start time and command line, and mute."""
    CRASHED = auto()
    """There is no process of ours: the restart policy decides."""
    REMOVE = auto()
    """There is no process of ours, and the row was being stopped: the stop is complete."""


def judge(row: StoredRow, seen: Seen) -> Adoption:
    """Decide about one row. Asked again when `seen` has changed, until the answer is not `AWAIT_PROOF`."""
    if row.resting:
        return Adoption.RESTORE
    if row.instance is None:
        return Adoption.REMOVE if row.stopping else Adoption.START
    if seen.process is not ProcessSeen.GONE and seen.proved_instance == row.instance:
        return Adoption.ADOPT
    if seen.process is not ProcessSeen.GONE and not seen.waited:
        return Adoption.AWAIT_PROOF
    if seen.process is ProcessSeen.SAME and seen.runs_our_command:
        return Adoption.KILL
    return Adoption.REMOVE if row.stopping else Adoption.CRASHED
