"""Any order of leases, silence, probes, spawns, stops and removals keeps the registry's promises."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from daemons.common.wire import HiveLease, HiveState, WorkerRow
from daemons.queen.changes import Kind
from daemons.queen.cluster import Cluster
from daemons.queen.entries import LeaseVerdict
from daemons.queen.leases import LeaseRules

RULES = LeaseRules(heartbeat_s=5, lease_s=15, probe_strikes=3, orphan_grace_s=30)
HIVES = st.sampled_from(["h1", "h2"])
WORKERS = st.sampled_from(["w1", "w2", "w3"])
STATES = st.sampled_from(["starting", "loading", "ready", "draining", "failed"])
ROWS = st.dictionaries(WORKERS, st.tuples(STATES, st.integers(1, 3)), max_size=3)


class RegistryMachine(RuleBasedStateMachine):
    """Two hives that speak, restart, fall silent and repeat old words."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.cluster = Cluster(RULES, mark_down_s=2, clock=lambda: self.now)
        self.registry = self.cluster.registry
        self.life = {"h1": 1, "h2": 1}
        self.sequence = {"h1": 0, "h2": 0}
        self.refused: dict[str, set[str]] = {"h1": set(), "h2": set()}
        self.spoken: dict[str, list[HiveLease]] = {"h1": [], "h2": []}
        self.told_state: dict[str, str] = {}
        self.told_workers: set[str] = set()

    def hear(self, changes) -> None:
        """Follow the events alone: they must add up to what the registry says."""
        for change in changes:
            name = change.fields.get("worker_id")
            hive_id = change.fields["hive_id"]
            if change.kind is Kind.WORKER_REGISTERED:
                assert name not in self.told_workers, "registered twice"
                self.told_workers.add(name)
            elif change.kind is Kind.WORKER_REMOVED:
                self.told_workers.remove(name)
            elif change.kind in (Kind.HIVE_AVAILABLE, Kind.HIVE_SUSPECT, Kind.HIVE_UNAVAILABLE):
                assert self.told_state.get(hive_id) != change.kind, "a state told twice"
                self.told_state[hive_id] = change.kind
            elif change.kind is Kind.HIVE_REMOVED:
                self.told_state.pop(hive_id, None)

    @rule(hive=HIVES, rows=ROWS, draining=st.booleans())
    def lease(self, hive, rows, draining):
        self.sequence[hive] += 1
        words = HiveLease(
            instance=f"{hive}-{self.life[hive]}",
            sequence=self.sequence[hive],
            url="http://127.0.0.1:1",
            version="0.1.0",
            pid=1,
            start_ticks=1,
            resources={"cpus": 1, "memory_total_bytes": 1, "memory_available_bytes": 1},
            state="draining" if draining else "ready",
            workers=[
                WorkerRow(id=name, instance=f"{hive}-{name}-{life}", state=state, model="m", slots_total=2)
                for name, (state, life) in rows.items()
            ],
        )
        self.spoken[hive].append(words)
        heard = self.registry.lease(hive, words)
        refused = words.instance in self.refused[hive]
        assert heard.verdict is (LeaseVerdict.GONE if refused else LeaseVerdict.ACCEPTED)
        self.hear(heard.changes)
        if not refused:
            entry = self.registry.hive(hive)
            struck_out = entry.strikes >= RULES.probe_strikes
            expected = HiveState.UNAVAILABLE if struck_out else HiveState.AVAILABLE
            assert self.registry.state_of(entry)[0] is expected

    @rule(hive=HIVES)
    def restart_hive(self, hive):
        self.refused[hive] |= {f"{hive}-{life}" for life in range(1, self.life[hive])}
        before = f"{hive}-{self.life[hive]}"
        self.life[hive] += 1
        self.sequence[hive] = 0
        self.lease(hive, {}, draining=False)
        if any(words.instance == before for words in self.spoken[hive]):
            self.refused[hive].add(before)

    @rule(hive=HIVES, which=st.integers(0, 50))
    def repeat_an_old_word(self, hive, which):
        if not self.spoken[hive]:
            return
        words = self.spoken[hive][which % len(self.spoken[hive])]
        known = self.registry.hive(hive)
        before = [(each.hive_id, each.row) for each in self.registry.workers()]
        if known is None and words.instance not in self.refused[hive]:
            return  # that would be a first word, not a late one
        heard = self.registry.lease(hive, words)
        assert heard.verdict in (LeaseVerdict.OLD, LeaseVerdict.GONE)
        assert [(each.hive_id, each.row) for each in self.registry.workers()] == before

    @rule(seconds=st.sampled_from([0.1, 2.0, 10.0, 15.0, 50.0]))
    def silence(self, seconds):
        self.now += seconds
        self.hear(self.registry.tick())

    @rule(hive=HIVES, life=st.integers(1, 3))
    def probe_fails(self, hive, life):
        self.hear(self.registry.probe_failed(hive, f"{hive}-{life}"))

    @rule(hive=HIVES)
    def probe_works(self, hive):
        known = self.registry.hive(hive)
        if known is not None:
            if known.instance == f"{hive}-{self.life[hive]}":
                self.sequence[hive] += 1
            words = known.lease.model_copy(update={"sequence": self.sequence[hive]})
            self.hear(self.registry.pulled(hive, words).changes)

    @rule(hive=HIVES, worker=WORKERS)
    def spawn_answered(self, hive, worker):
        row = WorkerRow(id=worker, instance=f"{hive}-{worker}-1", state="starting", model="m", slots_total=2)
        self.hear(self.registry.spawned(hive, row))

    @rule(hive=HIVES, worker=WORKERS, life=st.integers(1, 3))
    def stop_answered(self, hive, worker, life):
        row = WorkerRow(id=worker, instance=f"{hive}-{worker}-{life}", state="draining", model="m", slots_total=2)
        self.hear(self.registry.answered(hive, row))

    @rule(hive=HIVES)
    def remove_hive(self, hive):
        known = self.registry.hive(hive)
        changes = self.registry.remove_hive(hive)
        assert (changes is None) == (known is None)
        if known is not None:
            self.refused[hive].add(known.instance)
            self.hear(changes)
            assert self.registry.workers_of(hive) == []

    @rule(worker=WORKERS)
    def mark_down(self, worker):
        self.cluster.worker_refused(worker, f"h1-{worker}-1")

    @invariant()
    def every_worker_lives_on_a_known_hive(self):
        hives = {hive.hive_id for hive in self.registry.hives()}
        assert {each.hive_id for each in self.registry.workers()} <= hives

    @invariant()
    def the_events_add_up_to_the_registry(self):
        assert self.told_workers == {each.row.id for each in self.registry.workers()}
        self.hear(self.registry.tick())
        states = {hive.hive_id: f"hive.{self.registry.state_of(hive)[0]}" for hive in self.registry.hives()}
        assert self.told_state == states

    @invariant()
    def no_row_outlives_its_hives_silence(self):
        self.hear(self.registry.tick())
        for hive in self.registry.hives():
            if hive.silent_s(self.now) >= RULES.stale_after_s:
                assert self.registry.workers_of(hive.hive_id) == []

    @invariant()
    def only_what_is_ready_leased_and_available_is_routable(self):
        for each in self.cluster.candidates("m"):
            if each.blocked is not None:
                continue
            worker = self.registry.worker(each.worker_id)
            hive = self.registry.hive(each.hive_id)
            assert worker.row.state == "ready"
            assert worker.leased
            assert not hive.draining
            assert self.registry.state_of(hive)[0] is HiveState.AVAILABLE
            assert self.now - hive.heard_at < RULES.suspect_after_s


TestRegistryStates = RegistryMachine.TestCase
TestRegistryStates.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
