"""Seeds that the scenarios of features/integration/concurrency.feature must notice."""

import asyncio
from contextlib import contextmanager

from bugs.seed import caught_by, seed

OPENAI_CLIENT = "features/full_stack/openai_client.feature"
CONCURRENCY = "features/integration/concurrency.feature"
RECOVERY = "features/integration/recovery.feature"
RESTART = "features/integration/worker_restart_during_inference.feature"


@seed(role="hive", patches="daemons.hive.workers.pool:WorkerPool.spawn", fast=True)
@caught_by(CONCURRENCY, "Three want a model that is not there, and it is downloaded once")
def becomes_default_model(original):
    """A worker for a model that the catalog lacks is started with one that it has. Real: the predecessor."""

    async def spawn(self, worker_id, asked):
        if self._context.models.path_of(asked.model) is None:
            asked = asked.model_copy(update={"model": "tiny:1b"})
        return await original(self, worker_id, asked)

    return spawn


@seed(role="queen", patches="daemons.queen.registry:Registry.lease")
@caught_by(CONCURRENCY, "A thousand leases in a random order lose no update and never go backward")
def coalesces_leases(original):
    """Leases that come close behind another are left out, the last one too: a burst ends in an old picture."""
    from daemons.queen.entries import LeaseOutcome, LeaseVerdict

    close_s = 0.05
    came_at = {}

    def lease(self, hive_id, lease):
        now = self._clock()
        before, came_at[hive_id] = came_at.get(hive_id, now - close_s), now
        known = self._hives.get(hive_id)
        if known is not None and known.instance == lease.instance and now - before < close_s:
            return LeaseOutcome(LeaseVerdict.OLD)
        return original(self, hive_id, lease)

    return lease


@seed(role="worker", patches="daemons.worker.inference:Inference._tokens")
@caught_by(CONCURRENCY, "A client that hangs up frees its slot within a second")
def generates_for_nobody(original):
    """A hang-up gives the slot to others, and the engine goes on to the last token beside them. Real: vllm #10087."""
    running = set()

    async def _tokens(self, call, engine, prompt):
        made = asyncio.Queue()
        limit, seed = call.request.token_limit, call.request.seed or 0

        async def make():
            async for token in engine.generate(prompt, limit, seed):
                self._worker.tokens.inc()
                made.put_nowait(token)
            made.put_nowait(None)

        running.add(asyncio.create_task(make()))
        while (token := await made.get()) is not None:
            yield token

    return _tokens


@seed(role="queen", patches="daemons.queen.dispatch:Dispatcher.ended")
@caught_by(CONCURRENCY, "A client that hangs up frees its slot within a second")
def hang_up_keeps_queens_slot(original):
    """The queen gives no slot back when a client hangs up: an idle worker counts as full. Real: ray #37943."""
    from daemons.common.targets import Verdict

    def ended(self, slot, attempt):
        if attempt.verdict is not Verdict.ENDED:
            original(self, slot, attempt)

    return ended


@seed(role="worker", patches="daemons.common.inference:_watch_disconnect")
@caught_by(CONCURRENCY, "A client that hangs up frees its slot within a second")
@caught_by(RECOVERY, "A stream through a killed queen ends, and the next one works")
def hidden_hang_up(original):
    """A worker does not notice that its client is gone, and goes on generating in a taken slot. Real: vllm #10087."""

    async def _watch_disconnect(receive, running):
        await asyncio.Event().wait()

    return _watch_disconnect


@seed(role="queen", patches="daemons.queen.registry:Registry.worker")
@caught_by(CONCURRENCY, "Workers registered at once are all there, distinct, and found by id")
def id_cut_short(original):
    """A worker is looked up by the first characters of its id. Lists are right; a look at each by itself shows it."""

    def worker(self, worker_id):
        alike = [each for each in self.workers() if each.row.id[:5] == worker_id[:5]]
        return alike[0] if alike else None

    return worker


@seed(role="queen", patches="daemons.queen.spawning:Spawning._order")
@caught_by(CONCURRENCY, "Three want one id where each could get it on another hive")
def id_taken_too_late(original):
    """An id is checked when a spawn arrives, and taken when its worker's row is made: others get in between.

    Real: the predecessor, here as a race at the queen. One spawn after the other is refused rightly.
    """
    from daemons.common.errors import ApiError, ErrorCode

    @contextmanager
    def _order(self, worker_id, hive_id):
        if worker_id is not None and self._state.registry.worker(worker_id) is not None:
            raise ApiError(ErrorCode.WORKER_EXISTS, f"there is a worker {worker_id} already")
        self._under_way.append(hive_id)
        try:
            yield
        finally:
            self._under_way.remove(hive_id)

    return _order


@seed(role="queen", patches="daemons.queen.registry:Registry.workers")
@caught_by(CONCURRENCY, "Workers registered at once are all there, distinct, and found by id")
def lists_first_ten(original):
    """The queen lists the first ten workers only: a page size that no client requested."""
    return lambda self: original(self)[:10]


@seed(role="hive", patches="daemons.hive.models.pulls:Pulls.find")
@caught_by(CONCURRENCY, "Three want a model that is not there, and it is downloaded once")
def pulls_for_each(original):
    """Each spawn that lacks its model downloads it for itself, all into one file. Real: ollama #200."""
    return lambda self, ref: None


@seed(role="hive", patches="daemons.hive.models.pulls:Pulls._pull")
@caught_by(CONCURRENCY, "Three want a model that is not there, and it is downloaded once")
def pulls_once_more(original):
    """A model is downloaded, and once more to be compared with itself: only the hub's count shows it."""

    async def _pull(self, hub, pull):
        (await original(self, hub, pull)).unlink()
        return await original(self, hub, pull)

    return _pull


@seed(role="queen", patches="daemons.queen.waiting:WaitingLines.full")
@caught_by(CONCURRENCY, "Beyond the queue's bound the answer says when to come again")
def queue_without_bound(original):
    """The queue takes every request: queue_limit is read and never checked."""
    return property(lambda self: False)


@seed(role="queen", patches="daemons.queen.waiting:WaitingLines.full")
@caught_by(CONCURRENCY, "More requests than slots wait their turn, and none is lost")
@caught_by(CONCURRENCY, "Beyond the queue's bound the answer says when to come again")
def refuses_instead_of_queueing(original):
    """No request ever waits: what finds all slots taken is refused, however short the queue is."""
    return property(lambda self: True)


@seed(role="queen", patches="daemons.queen.registry:Registry.lease")
@caught_by(CONCURRENCY, "A hive that registers again just while its rows are cleaned up is there once")
def return_without_rows(original):
    """A hive that leases again after its lease had run out is available, without its workers. Real: the predecessor."""
    from daemons.queen.leases import StateReason

    def lease(self, hive_id, lease):
        known = self._hives.get(hive_id)
        if known is not None and self.state_of(known)[1] is StateReason.LEASE_EXPIRED:
            here = {each.row.id for each in self.workers_of(hive_id)}
            lease = lease.model_copy(update={"workers": [row for row in lease.workers if row.id in here]})
        return original(self, hive_id, lease)

    return lease


@seed(role="worker", patches="daemons.worker.slots:Slots.take")
@caught_by(CONCURRENCY, "Clients that send in the same instant are all answered, and no slot is taken twice")
@caught_by(CONCURRENCY, "More requests than slots wait their turn, and none is lost")
def slots_never_given_back(original):
    """A worker neither gives a slot back nor refuses when none is left: its count only grows. Real: ray #37943."""

    @contextmanager
    def take(self, request_id):
        self._taken.add(request_id)
        yield

    return take


@seed(role="queen", patches="daemons.queen.registry:Registry.lease")
@caught_by(CONCURRENCY, "A thousand leases in a random order lose no update and never go backward")
def takes_older_leases(original):
    """The queen takes leases in the order in which they come: a late one puts an older picture over a newer one.

    Real: the predecessor, whose health check wrote back what it had read before. Only disorder shows it.
    """

    def lease(self, hive_id, lease):
        known = self._hives.get(hive_id)
        if known is not None:
            known.pushed_sequence = -1
            known.lease = known.lease.model_copy(update={"sequence": 0})
        return original(self, hive_id, lease)

    return lease


@seed(role="worker", patches="daemons.worker.worker:Worker._load")
@caught_by(CONCURRENCY, "Workers registered at once are all there, distinct, and found by id")
def warm_up_keeps_slot(original):
    """A worker warms up with a request of its own, and never gives its slot back. Real: like ray #37943."""

    async def _load(self):
        await original(self)
        self.slots._taken.add("warm-up")

    return _load


@seed(role="worker", patches="daemons.common.metrics:Metrics.ended")
@caught_by(CONCURRENCY, "Clients that send in the same instant are all answered, and no slot is taken twice")
@caught_by(CONCURRENCY, "Beyond the queue's bound the answer says when to come again")
@caught_by(RESTART, "The restarted worker serves again after it was killed")
@caught_by(OPENAI_CLIENT, "Listing models and streaming a completion")
def worker_counts_twice(original):
    """A worker counts an inference twice: when its last token is sent, and when its slot is given back."""
    from daemons.common.metrics import Outcome

    def ended(self, outcome, seconds):
        original(self, outcome, seconds)
        if outcome is Outcome.SERVED:
            original(self, outcome, seconds)

    return ended
