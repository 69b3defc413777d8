"""The queen's view of its cluster: registry, slots and mark-downs together, and what routing needs of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from daemons.common.wire import HiveState, Shortage, WorkerState
from daemons.queen.cooldown import Cooldowns
from daemons.queen.entries import HiveEntry, WorkerEntry
from daemons.queen.leases import LeaseRules, StateReason
from daemons.queen.registry import Registry
from daemons.queen.routing import Blocked, Candidate, Refusal, SpawnSite, choose
from daemons.queen.slots import SlotLedger
from daemons.queen.wire import HiveView, WorkerView

_BLOCKING_HIVE = {
    HiveState.SUSPECT: Blocked.HIVE_SUSPECT,
    HiveState.UNAVAILABLE: Blocked.HIVE_UNAVAILABLE,
}
_BLOCKING_WORKER = {
    WorkerState.STARTING: Blocked.WORKER_NOT_READY,
    WorkerState.LOADING: Blocked.WORKER_NOT_READY,
    WorkerState.DRAINING: Blocked.WORKER_DRAINING,
    WorkerState.STOPPED: Blocked.WORKER_DRAINING,
    WorkerState.FAILED: Blocked.WORKER_FAILED,
}


class Cluster:
    """Which worker can serve what, at this moment. Pure: the clock is passed in, and nothing is awaited."""

    def __init__(self, rules: LeaseRules, mark_down_s: float, clock: Callable[[], float]) -> None:
        """mark_down_s: how long a hive or worker is avoided after a refused connection; clock: monotonic seconds."""
        self.ledger = SlotLedger(rules.heartbeat_s, clock)
        self.registry = Registry(rules, self.ledger, clock)
        self._hives_down = Cooldowns(mark_down_s, clock)
        self._workers_down = Cooldowns(mark_down_s, clock)
        self._clock = clock

    # --- routing ---

    def choose(self, model: str, avoid: Collection[str] = ()) -> Candidate | Refusal:
        """Return the worker for the next request of that model, or why there is none."""
        known = self.registry.knows_model(model)
        return choose(self.candidates(model), model_known=known, avoid=avoid)

    def candidates(self, model: str) -> Iterator[Candidate]:
        """Yield every worker of that model as routing sees it."""
        for worker in self.registry.workers_with(model):
            yield self._candidate(worker)

    def _candidate(self, worker: WorkerEntry) -> Candidate:
        row = worker.row
        instance = row.instance
        return Candidate(
            worker_id=row.id,
            instance=instance,
            hive_id=worker.hive_id,
            slots_total=row.slots_total,
            load=self.ledger.load(row.id, instance),
            blocked=self.blocked(worker),
            last_used=self.ledger.last_used(row.id, instance),
            hive_last_used=self.ledger.hive_last_used(worker.hive_id),
        )

    def blocked(self, worker: WorkerEntry) -> Blocked | None:
        """Return why that worker is not routable; None: it is."""
        hive = self.registry.hive(worker.hive_id)
        if hive is None:
            return Blocked.HIVE_UNAVAILABLE
        return self._hive_blocked(hive) or self._worker_blocked(worker)

    def _hive_blocked(self, hive: HiveEntry) -> Blocked | None:
        state, _ = self.registry.state_of(hive)
        if state in _BLOCKING_HIVE:
            return _BLOCKING_HIVE[state]
        if hive.draining:
            return Blocked.HIVE_DRAINING
        if self._hives_down.is_down((hive.hive_id, hive.instance)):
            return Blocked.HIVE_MARKED_DOWN
        return None

    def _worker_blocked(self, worker: WorkerEntry) -> Blocked | None:
        row = worker.row
        if row.state in _BLOCKING_WORKER:
            return _BLOCKING_WORKER[row.state]
        if not worker.leased:
            return Blocked.NOT_LEASED
        if not row.healthy:
            return Blocked.WORKER_UNHEALTHY
        if self._workers_down.is_down((row.id, row.instance)):
            return Blocked.WORKER_MARKED_DOWN
        return None

    def short_of_memory(self, model: str) -> Shortage | None:
        """Return the shortage when every worker of that model has failed for lack of memory: a retry cannot help."""
        rows = [worker.row for worker in self.registry.workers_with(model)]
        if not rows or any(row.state is not WorkerState.FAILED or row.shortage is None for row in rows):
            return None
        return rows[-1].shortage

    def awaited_hives(self) -> list[str]:
        """Return the hives known from the database whose first lease a restarted queen still waits for."""
        return [
            hive.hive_id
            for hive in self.registry.hives()
            if self.registry.state_of(hive)[1] is StateReason.NOT_HEARD_YET
        ]

    # --- what requests showed ---

    def hive_refused(self, hive_id: str, instance: str) -> bool:
        """Mark that hive down after a refused or reset connection; return whether it was up."""
        return self._hives_down.mark((hive_id, instance))

    def worker_refused(self, worker_id: str, instance: str) -> bool:
        """Mark that worker down after its hive lost it during a request; return whether it was up."""
        return self._workers_down.mark((worker_id, instance))

    def served(self, candidate: Candidate, hive_instance: str) -> None:
        """Clear the marks of a worker that has served a request, and of its hive."""
        self._hives_down.clear((candidate.hive_id, hive_instance))
        self._workers_down.clear((candidate.worker_id, candidate.instance))
        self.registry.reached(candidate.hive_id, hive_instance)

    # --- spawning ---

    def spawn_sites(self, model: str, pending: Collection[str] = ()) -> list[SpawnSite]:
        """Return every hive as a site for one more worker. pending: the hive id of each spawn request under way."""
        under_way = list(pending)
        return [
            SpawnSite(
                hive_id=hive.hive_id,
                usable=self._hive_blocked(hive) is None,
                has_model=any(entry.ref == model for entry in hive.lease.models),
                workers=len(self.registry.workers_of(hive.hive_id)) + under_way.count(hive.hive_id),
            )
            for hive in self.registry.hives()
        ]

    # --- views ---

    def worker_view(self, worker: WorkerEntry) -> WorkerView:
        """Return a worker as clients see it."""
        blocked = self.blocked(worker)
        return WorkerView(
            **worker.row.model_dump(),
            hive_id=worker.hive_id,
            routable=blocked is None,
            blocked=blocked.value if blocked else None,
            slots_used=self.ledger.load(worker.row.id, worker.row.instance),
        )

    def hive_view(self, hive: HiveEntry) -> HiveView:
        """Return a hive as clients see it."""
        state, reason = self.registry.state_of(hive)
        workers = self.registry.workers_of(hive.hive_id)
        silent_ms = round(hive.silent_s(self._clock()) * 1000)
        return HiveView(
            id=hive.hive_id,
            instance=hive.instance,
            state=state.value,
            reason=reason.value if reason else None,
            draining=hive.draining,
            marked_down=self._hives_down.is_down((hive.hive_id, hive.instance)),
            url=hive.lease.url,
            version=hive.lease.version,
            pid=hive.lease.pid,
            start_ticks=hive.lease.start_ticks,
            last_lease_ms_ago=silent_ms if hive.heard_at is not None else None,
            probe_strikes=hive.strikes,
            workers=len(workers),
            served_total=sum(each.row.served_total for each in workers),
            models=sorted(entry.ref for entry in hive.lease.models),
            devices=hive.lease.devices,
            resources=hive.lease.resources,
        )
