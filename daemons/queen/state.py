"""The queen's state: every change of the registry is published as an event, logged, and stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import HiveLease, HiveState
from daemons.queen.changes import Change, Kind
from daemons.queen.cluster import Cluster
from daemons.queen.entries import HiveEntry, LeaseOutcome, LeaseVerdict, WorkerEntry
from daemons.queen.events import EventHub
from daemons.queen.records import DropHive, DropWorker, PutHive, PutWorker, Write
from daemons.queen.store import RegistryStore

_WARNINGS = (Kind.HIVE_SUSPECT, Kind.HIVE_UNAVAILABLE, Kind.WORKER_FAILED)


class QueenState:
    """The cluster, and where its changes go. `store` is set before anything changes."""

    store: RegistryStore

    def __init__(self, cluster: Cluster, events: EventHub) -> None:
        self.cluster = cluster
        self.registry = cluster.registry
        self.events = events
        self._stored_catalogs: dict[str, tuple[str, ...]] = {}
        self.on_lease: Callable[[], None] = lambda: None
        """Called after each lease: a request that waits for a worker may find one now."""
        self._refused: set[tuple[str, str]] = set()  # instances whose refusal is in the log

    def apply(self, changes: Iterable[Change]) -> None:
        """Publish, log and store changes that the registry already has."""
        for change in changes:
            self.events.publish([change])
            write = log.warning if change.kind in _WARNINGS else log.info
            write(change.kind.value.replace(".", "_"), **_for_log(change))
            self.store.note(self._write_of(change))

    def leased(self, hive_id: str, lease: HiveLease) -> None:
        """Take in a lease that a hive pushed.

        Raises:
            ApiError: 410 when the instance was superseded or its hive removed.
        """
        outcome = self.registry.lease(hive_id, lease)
        self.take_in(hive_id, outcome)
        if outcome.verdict is LeaseVerdict.GONE:
            if (hive_id, lease.instance) not in self._refused:
                self._refused.add((hive_id, lease.instance))
                log.warning("lease_refused", hive_id=hive_id, refused_instance=lease.instance)
            message = f"a newer instance of hive {hive_id} took over, or it was removed; restart it to join again"
            raise ApiError(ErrorCode.LEASE_GONE, message, details={"hive_id": hive_id})

    def take_in(self, hive_id: str, outcome: LeaseOutcome) -> None:
        """Apply the outcome of a hive's lease."""
        self.apply(outcome.changes)
        self.on_lease()
        if outcome.conflicts:
            log.warning("worker_ids_held_by_another_hive", hive_id=hive_id, worker_ids=outcome.conflicts)
        hive = self.registry.hive(hive_id)
        if hive is not None and outcome.verdict is LeaseVerdict.ACCEPTED:
            self._store_catalog(hive)

    def snapshot(self) -> Sequence[Write]:
        """Return the whole registry as writes."""
        hives = [self._put_hive(hive) for hive in self.registry.hives()]
        return [*hives, *(self._put_worker(worker) for worker in self.registry.workers())]

    def found(self, known: Sequence[tuple[str, HiveLease]]) -> None:
        """Restore the hives of the database that have not leased to this queen yet."""
        for hive_id, lease in known:
            if self.registry.hive(hive_id) is None:
                self.registry.restore(hive_id, lease)
                log.info("hive_restored", hive_id=hive_id, workers=len(lease.workers))

    def degraded(self) -> list[str]:
        """Return why the cluster or the database is not all well."""
        reasons = []
        for hive in self.registry.hives():
            state, reason = self.registry.state_of(hive)
            if state is not HiveState.AVAILABLE:
                reasons.append(f"hive {hive.hive_id} is {state.value} ({reason})")
        if self.store.failure is not None:
            reasons.append(f"registry database: {self.store.failure}; {self.store.waiting} writes wait")
        return reasons

    def _store_catalog(self, hive: HiveEntry) -> None:
        """Store a changed catalog of a hive, which is no event."""
        catalog = tuple(sorted(entry.ref for entry in hive.lease.models))
        if self._stored_catalogs.get(hive.hive_id) != catalog:
            self._stored_catalogs[hive.hive_id] = catalog
            self.store.note(self._put_hive(hive))

    def _write_of(self, change: Change) -> Write:
        hive_id = str(change.fields["hive_id"])
        worker_id = change.fields.get("worker_id")
        if worker_id is None:
            hive = self.registry.hive(hive_id)
            if hive is not None:
                return self._put_hive(hive)
            self._stored_catalogs.pop(hive_id, None)
            return DropHive(hive_id)
        worker = self.registry.worker(str(worker_id))
        return DropWorker(str(worker_id)) if worker is None else self._put_worker(worker)

    def _put_hive(self, hive: HiveEntry) -> PutHive:
        state, _ = self.registry.state_of(hive)
        return PutHive(hive.hive_id, state.value, hive.lease, _wall_clock())

    @staticmethod
    def _put_worker(worker: WorkerEntry) -> PutWorker:
        return PutWorker(worker.hive_id, worker.row, _wall_clock())


def _for_log(change: Change) -> dict[str, object]:
    """Return the change's fields under other names than the queen's own `instance` and `pid` in each line."""
    part = change.kind.value.partition(".")[0]
    return {f"{part}_{name}" if name in ("instance", "pid") else name: value for name, value in change.fields.items()}


def _wall_clock() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
