"""Seeds that the scenarios of features/integration/multi_hive.feature must notice."""

import os
import uuid
from types import SimpleNamespace

from bugs.seed import caught_by, seed

MULTI_HIVE = "features/integration/multi_hive.feature"


@seed(role="queen", patches="daemons.queen.registry:Registry.workers_with")
@caught_by(MULTI_HIVE, "A request goes to the worker that has its model")
def any_model_will_do(original):
    """Routing does not look at the model: whichever worker is free gets the request. Real: the predecessor."""
    return lambda self, model: iter(self.workers())


@seed(role="hive", patches="daemons.common.metrics:Metrics.ended")
@caught_by(MULTI_HIVE, "Requests that come at once are shared evenly")
@caught_by(MULTI_HIVE, "The other hive takes all when one is stopped")
def hive_counts_twice(original):
    """A hive counts an inference twice: when its answer is complete, and when its request has ended."""
    from daemons.common.metrics import Outcome

    def ended(self, outcome, seconds):
        original(self, outcome, seconds)
        if outcome is Outcome.SERVED:
            original(self, outcome, seconds)

    return ended


@seed(role="hive", patches="daemons.hive.runtime:HiveRuntime.lease")
@caught_by(MULTI_HIVE, "Three hives register in the same instant")
def hive_leases_parent_pid(original):
    """A hive tells the queen the PID of its parent, the wrapper that an init system knows, and not its own."""
    return lambda self: original(self).model_copy(update={"pid": os.getppid()})


@seed(role="hive", patches="daemons.common.daemon:uuid")
@caught_by(MULTI_HIVE, "Three hives register in the same instant")
def instance_of_machine(original):
    """A hive's instance is made from the machine's id: all hives and all starts on one machine share it."""
    return SimpleNamespace(uuid4=lambda: uuid.uuid5(uuid.NAMESPACE_DNS, "machine-id"))


@seed(role="queen", patches="daemons.common.relay:MAX_RETRIES")
@caught_by(MULTI_HIVE, "The other hive takes all when one is killed")
def never_tries_another(original):
    """A request whose hive has just died is answered 502 at once: no other worker is tried before the first byte."""
    return 0


@seed(role="queen", patches="daemons.queen.slots:SlotLedger.last_used", fast=True)
@caught_by(MULTI_HIVE, "Requests that follow one another are shared evenly")
def one_worker_a_hive(original):
    """Hives take turns, but within a hive it is always the same worker: only each worker's count shows it."""
    return lambda self, worker_id, instance: 0


@seed(role="queen", patches="daemons.queen.registry:Registry._retire")
@caught_by(MULTI_HIVE, "A hive that was removed takes its workers with it")
def removed_hive_comes_back(original):
    """A removed hive's next heartbeat registers it again: the removal was not stored."""
    return lambda self, hive_id, instance: None


@seed(role="queen", patches="daemons.queen.registry:Registry.remove_hive")
@caught_by(MULTI_HIVE, "A hive that was removed takes its workers with it")
def removed_hive_keeps_workers(original):
    """A hive is removed, and its workers stay in the registry. Real: the successor."""
    from daemons.queen.changes import Change, Kind
    from daemons.queen.entries import hive_fields

    def remove_hive(self, hive_id):
        hive = self._hives.pop(hive_id, None)
        if hive is None:
            return None
        self._retire(hive_id, hive.instance)
        self._ledger.forget_hive(hive_id)
        return [Change(Kind.HIVE_REMOVED, hive_fields(hive))]

    return remove_hive


@seed(role="queen", patches="daemons.queen.cluster:choose")
@caught_by(MULTI_HIVE, "Requests that follow one another are shared evenly")
@caught_by(MULTI_HIVE, "Requests that come at once are shared evenly")
def routes_to_first_worker(original):
    """Routing never looks at slots or turns: everything lands on the first free worker. Real: the predecessor."""

    def choose(candidates, *, model_known=True, avoid=()):
        everyone = sorted(candidates, key=lambda each: each.worker_id)
        free = [each for each in everyone if each.free and each.worker_id not in avoid]
        return free[0] if free else original(everyone, model_known=model_known, avoid=avoid)

    return choose
