"""Hives and workers as the queen knows them: which there are, in which state, and which lease counts.

Pure: no I/O, and the clock is passed in. Everything runs on the event loop's one thread, so each method is atomic.
Its rules:

- A hive's lease is its complete state: a worker that it leaves out is gone.
- A late lease never affects a successor: a lease of a superseded or removed instance is refused, one with an older
  sequence has no effect, and what is known about a worker is bound to (id, instance).
- A worker id belongs to one hive at a time; a second hive's row of the same id does not count while the first one
  is alive.
- Only pushed leases keep a hive alive. A pulled one counts once: for a hive that this queen knows from its database and
  that has not leased yet.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping

from daemons.common.wire import Departure, HiveLease, HiveState, WorkerRow, WorkerState
from daemons.queen.changes import Change, Kind, worker_changes, worker_removed
from daemons.queen.entries import HiveEntry, LeaseOutcome, LeaseVerdict, WorkerEntry, hive_fields
from daemons.queen.leases import LeaseRules, StateReason, hive_state
from daemons.queen.slots import SlotLedger

RETIRED_INSTANCES = 64
"""Superseded instances remembered per hive; a late lease is minutes old at most, 64 restarts are not."""

Departures = Mapping[tuple[str, str], Departure]
"""How workers ended, by (worker id, instance)."""

_NOT_HELD = (WorkerState.STOPPED, WorkerState.FAILED)


class Registry:
    """All hives and workers."""

    def __init__(self, rules: LeaseRules, ledger: SlotLedger, clock: Callable[[], float]) -> None:
        """clock: monotonic seconds; `ledger` gets the slots that each lease reports."""
        self.rules = rules
        self._ledger = ledger
        self._clock = clock
        self._hives: dict[str, HiveEntry] = {}
        self._workers: dict[str, WorkerEntry] = {}
        self._retired: dict[str, OrderedDict[str, None]] = {}

    # --- what is known ---

    def hive(self, hive_id: str) -> HiveEntry | None:
        """Return the hive of that id."""
        return self._hives.get(hive_id)

    def worker(self, worker_id: str) -> WorkerEntry | None:
        """Return the worker of that id."""
        return self._workers.get(worker_id)

    def hives(self) -> list[HiveEntry]:
        """Return all hives, by id."""
        return [self._hives[hive_id] for hive_id in sorted(self._hives)]

    def workers(self) -> list[WorkerEntry]:
        """Return all workers, by id."""
        return [self._workers[worker_id] for worker_id in sorted(self._workers)]

    def workers_of(self, hive_id: str) -> list[WorkerEntry]:
        """Return the workers of one hive, by id."""
        return [each for each in self.workers() if each.hive_id == hive_id]

    def workers_with(self, model: str) -> Iterator[WorkerEntry]:
        """Return the workers that serve one model, in no order."""
        return (each for each in self._workers.values() if each.row.model == model)

    def knows_model(self, model: str) -> bool:
        """Return whether any hive has the model in its catalog or any worker's row names it."""
        if any(True for _ in self.workers_with(model)):
            return True
        return any(entry.ref == model for hive in self._hives.values() for entry in hive.lease.models)

    def state_of(self, hive: HiveEntry) -> tuple[HiveState, StateReason | None]:
        """Return the hive's state at this moment, whether published or not."""
        return hive_state(
            self.rules,
            heard=hive.heard_at is not None,
            silent_s=hive.silent_s(self._clock()),
            strikes=hive.strikes,
        )

    # --- leases and probes ---

    def restore(self, hive_id: str, lease: HiveLease) -> None:
        """Add a hive known from the database, which has not leased in this queen's life."""
        now = self._clock()
        entry = HiveEntry(hive_id, lease, known_since=now)
        entry.state, _ = self.state_of(entry)
        self._hives[hive_id] = entry
        for row in lease.workers:
            self._workers.setdefault(row.id, WorkerEntry(hive_id, row, last_pid=row.pid))

    def lease(self, hive_id: str, lease: HiveLease) -> LeaseOutcome:
        """Take in a lease that a hive pushed."""
        if lease.instance in self._retired.get(hive_id, ()):
            return LeaseOutcome(LeaseVerdict.GONE)
        hive = self._hives.get(hive_id)
        if hive is None or hive.instance != lease.instance:
            # Another instance: registered first, so that its workers' rows are judged as those of this instance.
            changes = [self._register(hive_id, lease, hive)]
        elif hive.heard_at is not None and lease.sequence <= hive.pushed_sequence:
            return LeaseOutcome(LeaseVerdict.OLD)
        else:
            changes = []
        hive = self._hives[hive_id]
        if self.state_of(hive)[1] in (StateReason.LEASE_LATE, StateReason.LEASE_EXPIRED):
            hive.strikes = (
                0  # probes that failed during an outage do not count: only a hive that leases meanwhile strikes out
            )
        is_overtaken = hive.heard_at is not None and lease.sequence < hive.lease.sequence
        hive.heard_at, hive.pushed_sequence = self._clock(), lease.sequence
        if is_overtaken:  # on a slow link, by one that was pulled: still a heartbeat, though nothing new
            return LeaseOutcome(LeaseVerdict.OLD, changes + self._announce(hive))
        return self._take_in(hive, lease, changes)

    def pulled(self, hive_id: str, lease: HiveLease) -> LeaseOutcome:
        """Take in a lease that a hive answered to a probe.

        Counts as a pushed lease for a hive that has not leased in this queen's life. The answer of another instance has
        no effect (a restarted hive will lease by itself, and another process may have got the port). Raises KeyError
        when the hive was removed meanwhile.
        """
        hive = self._hives[hive_id]
        if hive.instance != lease.instance:
            return LeaseOutcome(LeaseVerdict.OLD)
        hive.strikes = 0
        if hive.heard_at is None:
            return self.lease(hive_id, lease)
        is_expired = self.state_of(hive)[1] is StateReason.LEASE_EXPIRED  # a pull keeps no stale row alive
        if is_expired or lease.sequence <= hive.lease.sequence:
            return LeaseOutcome(LeaseVerdict.OLD, self.tick())
        return self._take_in(hive, lease, [])

    def probe_failed(self, hive_id: str, instance: str) -> list[Change]:
        """Count a failed probe, only against the instance that was probed."""
        hive = self._hives.get(hive_id)
        if hive is not None and hive.instance == instance:
            hive.strikes += 1
        return self.tick()

    def reached(self, hive_id: str, instance: str) -> None:
        """Reset the failed probes of a hive that has just served a request."""
        hive = self._hives.get(hive_id)
        if hive is not None and hive.instance == instance:
            hive.strikes = 0

    def _register(self, hive_id: str, lease: HiveLease, before: HiveEntry | None) -> Change:
        entry = HiveEntry(hive_id, lease, known_since=self._clock())
        previous = None
        if before is not None:
            previous = before.instance
            entry.state = before.state
            self._retire(hive_id, before.instance)
            # Its workers may be gone with it: none is routable before the new instance leases it.
            for worker in self.workers_of(hive_id):
                worker.leased = False
        self._hives[hive_id] = entry
        fields = hive_fields(entry) | {"previous_instance": previous}
        return Change(Kind.HIVE_REGISTERED, fields)

    def _retire(self, hive_id: str, instance: str) -> None:
        retired = self._retired.setdefault(hive_id, OrderedDict())
        retired[instance] = None
        while len(retired) > RETIRED_INSTANCES:
            retired.popitem(last=False)

    def _take_in(self, hive: HiveEntry, lease: HiveLease, changes: list[Change]) -> LeaseOutcome:
        hive.lease = lease
        departed = {(each.id, each.instance): each for each in lease.departed}
        rows = {row.id: row for row in lease.workers}
        conflicts = {row_id for row_id in rows if self._held_elsewhere(row_id, hive.hive_id)}
        # The hive before its workers: a listener knows a hive before it gets an event about one of its workers.
        changes += self._announce(hive)
        for worker in self.workers_of(hive.hive_id):
            if worker.row.id not in rows and self._clock() >= self._held_until(worker, departed):
                changes.append(self._drop(worker, departed, "stopped"))
        for row in rows.values():
            if row.id not in conflicts:
                changes += self._row(hive, row, departed)
        fresh = sorted(conflicts - hive.conflicts)
        hive.conflicts = conflicts
        return LeaseOutcome(LeaseVerdict.ACCEPTED, changes, fresh)

    def _held_elsewhere(self, worker_id: str, hive_id: str) -> bool:
        """Return whether another hive that is not lost has a worker of that id."""
        holder = self._workers.get(worker_id)
        if holder is None or holder.hive_id == hive_id or holder.row.state in _NOT_HELD:
            return False
        hive = self._hives.get(holder.hive_id)
        return hive is not None and self.state_of(hive)[0] is not HiveState.UNAVAILABLE

    @staticmethod
    def _held_until(worker: WorkerEntry, departed: Departures) -> float:
        if (worker.row.id, worker.row.instance) in departed:
            return 0.0
        return worker.provisional_until

    def _row(self, hive: HiveEntry, row: WorkerRow, departed: Departures) -> list[Change]:
        entry = self._workers.get(row.id)
        changes: list[Change] = []
        if entry is not None and entry.hive_id != hive.hive_id:
            changes.append(self._drop(entry, {}, "moved"))
            entry = None
        before = entry.row if entry else None
        ended = departed.get((row.id, before.instance)) if before else None
        last_pid = entry.last_pid if entry else None
        changes += worker_changes(hive.hive_id, before, row, last_pid=last_pid, departed=ended)
        if entry is None:
            entry = self._workers[row.id] = WorkerEntry(hive.hive_id, row)
        elif entry.row.instance != row.instance:
            self._ledger.forget(row.id, entry.row.instance)
        entry.row = row
        # A row that waits for a restart has no PID: keep the last one, for the event that says how the process ended.
        entry.last_pid = row.pid or (last_pid if before and before.instance == row.instance else None)
        entry.leased = True
        entry.provisional_until = 0.0
        self._ledger.reported(row.id, row.instance, row.slots_busy)
        return changes

    def _drop(self, worker: WorkerEntry, departed: Departures, reason: str) -> Change:
        del self._workers[worker.row.id]
        self._ledger.forget(worker.row.id, worker.row.instance)
        ended = departed.get((worker.row.id, worker.row.instance))
        row, last_pid = worker.row, worker.last_pid
        return worker_removed(worker.hive_id, row, last_pid=last_pid, departed=ended, reason=reason)

    # --- answers of hives to this queen's requests ---

    def spawned(self, hive_id: str, row: WorkerRow) -> list[Change]:
        """Add the row of a worker that a hive has accepted to spawn; it is not routable before a lease names it.

        A lease that was sent before does not have the worker yet, so the row is kept for one heartbeat.
        """
        if hive_id not in self._hives or row.id in self._workers:
            return []
        entry = WorkerEntry(hive_id, row, last_pid=row.pid)
        entry.provisional_until = self._clock() + self.rules.heartbeat_s
        self._workers[row.id] = entry
        return worker_changes(hive_id, None, row)

    def answered(self, hive_id: str, row: WorkerRow) -> list[Change]:
        """Take in the row that a hive answered to a stop or restart: a drain counts at once, for that instance."""
        entry = self._workers.get(row.id)
        if entry is None or entry.hive_id != hive_id or entry.row.instance != row.instance:
            return []
        if row.state not in (WorkerState.DRAINING, WorkerState.STOPPED):
            return []
        changes = worker_changes(hive_id, entry.row, row)
        entry.row = row
        return changes

    def forget_worker(self, worker_id: str, instance: str, reason: str) -> list[Change]:
        """Drop a worker that its hive does not have any more."""
        entry = self._workers.get(worker_id)
        if entry is None or entry.row.instance != instance:
            return []
        return [self._drop(entry, {}, reason)]

    def remove_hive(self, hive_id: str) -> list[Change] | None:
        """Remove a hive and its workers; its instance is refused from now on. None: no such hive."""
        hive = self._hives.pop(hive_id, None)
        if hive is None:
            return None
        self._retire(hive_id, hive.instance)
        self._ledger.forget_hive(hive_id)
        changes = [self._drop(each, {}, "hive_removed") for each in self.workers_of(hive_id)]
        return [*changes, Change(Kind.HIVE_REMOVED, hive_fields(hive))]

    # --- time ---

    def tick(self) -> list[Change]:
        """Return the changes that time alone has caused, each once, and drop stale rows."""
        changes: list[Change] = []
        for hive in self.hives():
            changes += self._announce(hive)
            if hive.state is HiveState.UNAVAILABLE and hive.silent_s(self._clock()) >= self.rules.stale_after_s:
                changes += [self._drop(each, {}, "stale") for each in self.workers_of(hive.hive_id)]
        return changes

    def _announce(self, hive: HiveEntry) -> list[Change]:
        state, reason = self.state_of(hive)
        changes: list[Change] = []
        if state is not hive.state:
            fields = hive_fields(hive) | {"previous": hive.state.value if hive.state else None}
            fields |= {"reason": reason.value if reason else None}
            fields |= {"silent_ms": round(hive.silent_s(self._clock()) * 1000)}
            changes.append(Change(Kind(f"hive.{state.value}"), fields))
            hive.state = state
        if hive.draining and not hive.announced_draining:
            changes.append(Change(Kind.HIVE_DRAINING, hive_fields(hive)))
        hive.announced_draining = hive.draining
        return changes
