"""Seeds that the scenarios of features/integration/multi_hive.feature must notice."""

import os
import uuid
from types import SimpleNamespace

from bugs.seed import caught_by, seed

MULTI_HIVE = "features/integration/multi_hive.feature"


@seed(role="queen", patches="daemons.queen.registry:Registry.workers_with")
@caught_by(MULTI_HIVE, "A request goes to the worker that has its model")
def any_model_will_do(original):
    """Routing does not look at the model that is asked for: whichever worker is free gets the request.

    Real: the predecessor. With one model in the cluster nobody sees it.
    """
    return lambda self, model: iter(self.workers())


@seed(role="hive", patches="daemons.common.metrics:Metrics.ended")
@caught_by(MULTI_HIVE, "Requests that come at once are shared evenly")
@caught_by(MULTI_HIVE, "The other hive takes all when one is stopped")
def hive_counts_twice(original):
    """A hive counts a served inference twice: when its answer is complete, and when its request has ended.

    Imagined, next to the predecessor, whose gauge grew at every scrape. Must be noticed where hives' own counts have
    to add up.
    """
    from daemons.common.metrics import Outcome

    def ended(self, outcome, seconds):
        original(self, outcome, seconds)
        if outcome is Outcome.SERVED:
            original(self, outcome, seconds)

    return ended


@seed(role="hive", patches="daemons.hive.node:Node.picture")
@caught_by(MULTI_HIVE, "Three hives register in the same instant")
def hive_leases_parent_pid(original):
    """A hive tells the queen the PID of its parent, the wrapper that an init system knows, and not its own.

    Imagined. The queen's cascade waits for the wrong process; must be noticed where a hive's row has to be its
    process.
    """
    return lambda self: original(self).model_copy(update={"pid": os.getppid()})


@seed(role="hive", patches="daemons.common.daemon:uuid")
@caught_by(MULTI_HIVE, "Three hives register in the same instant")
def instance_of_machine(original):
    """A hive's instance is made from the machine's id: all hives of one machine, and all starts of one hive, share it.

    Imagined (cloned machines with one machine-id). Must be noticed where hives have to be distinct.
    """
    return SimpleNamespace(uuid4=lambda: uuid.uuid5(uuid.NAMESPACE_DNS, "machine-id"))


@seed(role="queen", patches="daemons.common.relay:MAX_RETRIES")
@caught_by(MULTI_HIVE, "The other hive takes all when one is killed")
def never_tries_another(original):
    """A request whose hive has just died is answered 502 at once: no other worker is tried before the first byte.

    Imagined (before the first byte the queen may retry). Must be noticed by the first requests after a hive was
    killed.
    """
    return 0


@seed(role="queen", patches="daemons.queen.slots:SlotLedger.last_used", fast=True)
@caught_by(MULTI_HIVE, "Requests that follow one another are shared evenly")
def one_worker_a_hive(original):
    """Hives take turns, but within a hive it is always the same worker: the turn of workers is never counted.

    Imagined, next to the predecessor, whose routing took no slot. Every request is answered and the hives' counts are
    even; only each worker's own count shows it.
    """
    return lambda self, worker_id, instance: 0


@seed(role="queen", patches="daemons.queen.registry:Registry._retire")
@caught_by(MULTI_HIVE, "A hive that was removed takes its workers with it")
def removed_hive_comes_back(original):
    """A removed hive's next heartbeat registers it again: it was forgotten, and nobody remembers that.

    Real: of the kind of the successor, where a removed hive's workers stayed routable. The removal itself looks well.
    """

    def _retire(self, hive_id, instance):
        """Forget it."""

    return _retire


@seed(role="queen", patches="daemons.queen.registry:Registry.remove_hive")
@caught_by(MULTI_HIVE, "A hive that was removed takes its workers with it")
def removed_hive_keeps_workers(original):
    """A hive is removed, and its workers stay in the registry.

    Real: the successor: removing a hive leaves its workers routable. Here routing asks for the hive as well, so that
    only the list shows them.
    """
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
    """Routing never looks at slots or turns: everything lands on the first worker that is free.

    Real: the predecessor. Must be noticed where the hives' own counts have to be even.
    """

    def choose(candidates, *, model_known=True, avoid=()):
        everyone = sorted(candidates, key=lambda each: each.worker_id)
        free = [each for each in everyone if each.free and each.worker_id not in avoid]
        return free[0] if free else original(everyone, model_known=model_known, avoid=avoid)

    return choose
