"""The changes of the cluster: the closed list of kinds, and the changes of one worker's row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from daemons.common.wire import Departure, WorkerRow, WorkerState


class Kind(StrEnum):
    """Every kind of event of `GET /v1/events`."""

    HIVE_REGISTERED = "hive.registered"
    HIVE_AVAILABLE = "hive.available"
    HIVE_SUSPECT = "hive.suspect"
    HIVE_UNAVAILABLE = "hive.unavailable"
    HIVE_DRAINING = "hive.draining"
    HIVE_REMOVED = "hive.removed"
    WORKER_REGISTERED = "worker.registered"
    WORKER_READY = "worker.ready"
    WORKER_DRAINING = "worker.draining"
    WORKER_FAILED = "worker.failed"
    WORKER_RESTARTED = "worker.restarted"
    WORKER_REMOVED = "worker.removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One change, with what is known about it."""

    kind: Kind
    fields: Mapping[str, object]


_PUBLISHED_STATES = {
    WorkerState.READY: Kind.WORKER_READY,
    WorkerState.DRAINING: Kind.WORKER_DRAINING,
    WorkerState.FAILED: Kind.WORKER_FAILED,
}


def worker_fields(hive_id: str, row: WorkerRow) -> dict[str, object]:
    """Return the fields of every event about a worker."""
    return {
        "worker_id": row.id,
        "hive_id": hive_id,
        "instance": row.instance,
        "pid": row.pid,
        "model": row.model,
        "state": row.state.value,
        "reason": row.reason,
        "shortage": row.shortage.model_dump(mode="json", exclude_none=True) if row.shortage else None,
    }


def worker_changes(
    hive_id: str,
    before: WorkerRow | None,
    after: WorkerRow,
    *,
    last_pid: int | None = None,
    departed: Departure | None = None,
) -> list[Change]:
    """Return the changes from the old row of a worker to the new one.

    last_pid, departed: the process of `before`, and how it ended, when `after` is another one and that is known.
    """
    fields = worker_fields(hive_id, after)
    changes: list[Change] = []
    if before is None:
        changes.append(Change(Kind.WORKER_REGISTERED, fields))
    elif before.instance != after.instance:
        ended = {"previous_instance": before.instance, "previous_pid": last_pid, **_ending(departed)}
        changes.append(Change(Kind.WORKER_RESTARTED, fields | ended))
    kind = _PUBLISHED_STATES.get(after.state)
    is_new = before is None or (before.instance, before.state) != (after.instance, after.state)
    if kind is not None and is_new:
        changes.append(Change(kind, fields))
    return changes


def worker_removed(
    hive_id: str, row: WorkerRow, *, last_pid: int | None, departed: Departure | None, reason: str
) -> Change:
    """Return the removal of a worker's row. `reason` is the queen's own, used when its hive gave none."""
    fields = worker_fields(hive_id, row) | {"state": WorkerState.STOPPED.value, "pid": last_pid}
    ending = _ending(departed)
    ending["reason"] = ending["reason"] or reason
    return Change(Kind.WORKER_REMOVED, fields | ending)


def _ending(departed: Departure | None) -> dict[str, object]:
    return {
        "exit_status": departed.exit_status if departed else None,
        "signal": departed.signal if departed else None,
        "reason": departed.reason if departed else None,
        "forced": departed.forced if departed else False,
    }
