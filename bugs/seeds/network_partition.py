"""Seeds that the scenarios of features/integration/network_partition.feature must notice."""

import asyncio
import itertools
import math
import time

from bugs.seed import caught_by, seed
from daemons.common.client import PeerFault
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.wire import HiveState

NETWORK_PARTITION = "features/integration/network_partition.feature"


@seed(role="queen", patches="daemons.common.relay:_Exchange._pass_through")
@caught_by(NETWORK_PARTITION, "A link that resets connections is heard of at once")
def bridges_every_refusal(original):
    """A connection that a hive refuses is tried again for a second before an error is sent: it may be restarting."""
    from daemons.common.relay import _BrokenError

    async def _pass_through(self, target):
        for pause_s in (0.4, 0.6):
            try:
                return await original(self, target)
            except _BrokenError as broken:
                if self._answer.begun or broken.attempt.fault is not PeerFault.REFUSED:
                    raise
            await asyncio.sleep(pause_s)
        return await original(self, target)

    return _pass_through


@seed(role="hive", patches="daemons.common.inflight:InFlight.track")
@caught_by(NETWORK_PARTITION, "A request that arrives late is not run twice, when its sender still waits")
def copies_are_new(original):
    """A hive keeps the requests that it has served by a number of its own: a copy that comes late is a new one."""
    numbers = itertools.count(1)

    return lambda self, request_id, deadline: original(self, f"{request_id}.{next(numbers)}", deadline)


@seed(role="queen", patches="daemons.common.inference:outcome_of_end")
@caught_by(NETWORK_PARTITION, "The link is cut in the middle of a stream")
def counts_stall_as_served(original):
    """A stream that was ended because no token came is counted as served. Real: the successor."""
    from daemons.common.inflight import EndReason
    from daemons.common.metrics import Outcome

    return lambda reason: Outcome.SERVED if reason is EndReason.STALLED else Outcome(original(reason))


@seed(role="queen", patches="daemons.queen.leases:LeaseRules.stale_after_s")
@caught_by(NETWORK_PARTITION, "A partition that outlasts the orphan grace costs no worker")
def forgets_with_the_lease(original):
    """The rows of a hive's workers are dropped as soon as its lease has run out: the grace is left out of a sum."""
    return property(lambda self: self.lease_s)


@seed(role="queen", patches="daemons.queen.queen:Queen.hives_by_state")
@caught_by(NETWORK_PARTITION, "A hive that is cut off is suspected, then given up")
def gauge_of_registered_hives(original):
    """The gauge of hives by state counts every registered hive as available, also one that is given up."""

    def hives_by_state(self):
        return dict.fromkeys((state.value for state in HiveState), 0) | {
            HiveState.AVAILABLE.value: len(self.state.registry.hives())
        }

    return hives_by_state


@seed(role="queen", patches="daemons.queen.registry:Registry.lease")
@caught_by(NETWORK_PARTITION, "Requests resume when the link is restored")
def given_up_for_good(original):
    """The leases of a hive that was given up are refused from then on: it must come back as another instance.

    Real: like the predecessor, where no hive registered again. A hive that is started anew joins.
    """
    from daemons.queen.entries import LeaseOutcome, LeaseVerdict
    from daemons.queen.leases import StateReason

    def lease(self, hive_id, lease):
        known = self._hives.get(hive_id)
        same = known is not None and known.instance == lease.instance
        if same and self.state_of(known)[1] is StateReason.LEASE_EXPIRED:
            return LeaseOutcome(LeaseVerdict.GONE)
        return original(self, hive_id, lease)

    return lease


@seed(role="queen", patches="daemons.queen.registry:Registry._take_in")
@caught_by(NETWORK_PARTITION, "What ends behind the cut is gone when the link is restored")
def keeps_what_ended_behind_the_cut(original):
    """Messages to a hive that is out of reach are lost: a worker that ended meanwhile is kept when the hive is back.

    Real: production-stack #1091. A worker that ends while the link is whole is gone at once.
    """
    kept = {}

    def _take_in(self, hive, lease, changes):
        there = {row.id for row in lease.workers}
        if hive.state is HiveState.UNAVAILABLE:
            kept.update({each.row.id: each.row for each in self.workers_of(hive.hive_id) if each.row.id not in there})
        rows = [*lease.workers, *(row for row_id, row in kept.items() if row_id not in there)]
        return original(self, hive, lease.model_copy(update={"workers": rows}), changes)

    return _take_in


@seed(role="hive", patches="daemons.hive.workers.supervisor:Supervisor.lease")
@caught_by(NETWORK_PARTITION, "Workers that their hive cannot reach are not routed to, and heal without a restart")
def lapsed_is_disowned(original):
    """A worker whose lease had run out is answered 410 when it leases again, so that it ends and is replaced.

    The link inside the node was cut, and a loaded model is thrown away.
    """
    from daemons.hive.states import Reason
    from daemons.hive.workers.facts import now_ms

    def lease(self, lease):
        lease_ms = self._context.durations.lease_ms
        if self.facts.health_fault(now_ms=now_ms(), lease_ms=lease_ms) is Reason.LEASE_EXPIRED:
            return False
        return bool(original(self, lease))

    return lease


@seed(role="queen", patches="daemons.queen.leases:LeaseRules.suspect_after_s")
@caught_by(NETWORK_PARTITION, "A hive that is cut off is suspected, then given up")
def never_suspects(original):
    """A hive that falls silent is routed to until its lease has run out: the state `suspect` is skipped."""
    return property(lambda self: self.lease_s)


@seed(role="queen", patches="daemons.common.inflight:Running.expect_within")
@caught_by(NETWORK_PARTITION, "The link is cut in the middle of a stream")
def no_bound_between_tokens(original):
    """Between tokens only the deadline bounds a stream: one whose link falls silent hangs. Real: litellm #40404."""
    return lambda self, ms: self.expect_by_deadline()


@seed(role="queen", patches="daemons.common.deadline:Deadline.from_header")
@caught_by(NETWORK_PARTITION, "A request that is sent into the cut does not hang")
def own_deadline_only(original):
    """The queen does not read X-Deadline-Ms: every request has its default of 30 s. A cut link shows it."""

    def from_header(cls, value, *, default_ms, since=None):
        deadline = original.__func__(cls, None, default_ms=default_ms, since=since)
        assert value is None or deadline.at, "the header is read and not used"
        return deadline

    return classmethod(from_header)


@seed(role="queen", patches="daemons.queen.registry:Registry.lease")
@caught_by(NETWORK_PARTITION, "Requests resume when the link is restored")
def registers_again(original):
    """A hive that comes back from behind a cut link is registered anew: it serves, but the events tell a new hive."""
    from daemons.queen.leases import StateReason

    def lease(self, hive_id, lease):
        known = self._hives.get(hive_id)
        if known is not None and self.state_of(known)[1] is StateReason.LEASE_EXPIRED:
            del self._hives[hive_id]
        return original(self, hive_id, lease)

    return lease


@seed(role="queen", patches="daemons.common.relay:_Exchange._pass_through")
@caught_by(NETWORK_PARTITION, "A slow link stays available")
def relays_in_a_hurry(original):
    """The queen gives a hive six tenths of a second for a whole answer: over a slow link nothing is served."""

    async def _pass_through(self, target):
        if self._call.request.streamed:
            return await original(self, target)
        try:
            async with asyncio.timeout(0.6):
                return await original(self, target)
        except TimeoutError:
            raise self._broken(PeerFault.TIMED_OUT) from None

    return _pass_through


@seed(role="hive", patches="daemons.hive.uplink:Uplink._accepted")
@caught_by(NETWORK_PARTITION, "A hive that was cut off comes back as it was")
def restarts_after_outage(original):
    """A hive that reaches its queen again restarts its workers, for a fresh start."""

    def _accepted(self, answer):
        was_away = self.fault is not None and self._queen_instance is not None
        original(self, answer)
        if was_away:
            for supervisor in self._build.__self__.pool:
                supervisor.ask_restart()

    return _accepted


@seed(role="queen", patches="daemons.queen.cluster:_BLOCKING_HIVE")
@caught_by(NETWORK_PARTITION, "A hive that is cut off is suspected, then given up")
def routes_to_the_given_up(original):
    """A hive that is given up is routed to: only suspicion keeps requests away from it."""
    return {state: reason for state, reason in original.items() if state is not HiveState.UNAVAILABLE}


@seed(role="hive", patches="daemons.common.inference:InferenceApp._accept")
@caught_by(NETWORK_PARTITION, "A request that arrives late is not run twice, when its sender still waits")
def runs_what_it_refuses(original):
    """A copy of a served request is run once more before it is refused: the hive compares what the worker says now.

    The copy's sender gets the 409; the slot, the tokens and the worker's counts are spent twice.
    """
    from daemons.common.completions import parse_inference
    from daemons.common.deadline import Deadline
    from daemons.common.inference import Call, StreamAnswer
    from daemons.common.logs import current_request_id

    async def nobody(message):
        assert message["type"].startswith("http.response"), "an answer, which is thrown away"

    async def _accept(self, scope, receive, send, body):
        try:
            return await original(self, scope, receive, send, body)
        except ApiError as error:
            if error.code is ErrorCode.DUPLICATE_REQUEST:
                request = parse_inference(scope["path"], body)
                deadline = Deadline.after_ms(self.daemon.durations.deadline_ms)
                with self.daemon.inflight.track(f"{current_request_id()}.again", deadline) as running:
                    await self._hold(Call(scope, request, body, running, StreamAnswer(nobody)))
            raise

    return _accept


@seed(role="queen", patches="daemons.queen.registry:hive_state")
@caught_by(NETWORK_PARTITION, "A hive that is cut off is suspected, then given up")
def silent_link_stays_online(original):
    """A link that falls silent stays "online": only probes that fail end a lease, and late. Real: the successor."""

    def hive_state(rules, *, heard, silent_s, strikes):
        verdict = original(rules, heard=heard, silent_s=0.0 if heard else silent_s, strikes=strikes)
        return verdict

    return hive_state


@seed(role="hive", patches="daemons.common.lease_pusher:LeasePusher.push")
@caught_by(NETWORK_PARTITION, "A slow link stays available")
def spares_a_slow_queen(original):
    """A hive whose lease took long waits four times as long before the next one, to spare its queen.

    Every lease is taken, and yet the hive is suspected between two of them.
    """

    async def push(self):
        began = time.monotonic()
        await original(self)
        spent_s = time.monotonic() - began
        if self.up and spent_s > 0.5:
            await asyncio.sleep(4 * spent_s)

    return push


@seed(role="queen", patches="daemons.queen.leases:LeaseRules.stale_after_s")
@caught_by(NETWORK_PARTITION, "A partition that outlasts the orphan grace costs no worker")
def stale_rows_for_ever(original):
    """The rows of a hive that was given up are never dropped. Real: like production-stack #1091."""
    return property(lambda self: math.inf)


@seed(role="queen", patches="daemons.common.inference:StreamAnswer.fail")
@caught_by(NETWORK_PARTITION, "The link is cut in the middle of a stream")
def stalled_stream_just_ends(original):
    """A stream that stalls is ended silently: no `[DONE]`, and no error chunk either. Real: the successor."""

    async def fail(self, error, flush_timeout_ms):
        if self.begun and error.code is ErrorCode.STALLED:
            await self.finish({}, b"")
        else:
            await original(self, error, flush_timeout_ms)

    return fail


@seed(role="queen", patches="daemons.queen.dispatch:Admission.take")
@caught_by(NETWORK_PARTITION, "A hive that is cut off is suspected, then given up")
@caught_by(NETWORK_PARTITION, "Workers that their hive cannot reach are not routed to, and heal without a restart")
def waits_in_hope(original):
    """A request that no worker can serve waits for one lease time, for a new worker, before it is refused."""

    async def take(self, model, avoid):
        try:
            return await original(self, model, avoid)
        except ApiError as error:
            if error.code is not ErrorCode.NO_WORKER_AVAILABLE:
                raise
        await asyncio.sleep(self._cluster.registry.rules.lease_s)
        return await original(self, model, avoid)

    return take


@seed(role="hive", patches="daemons.hive.workers.facts:WorkerFacts.health_fault")
@caught_by(NETWORK_PARTITION, "Workers that their hive cannot reach are not routed to, and heal without a restart")
def worker_lease_never_ends(original):
    """A worker's lease never runs out at its hive: only three failed probes count. Real: like the predecessor."""
    from daemons.hive.states import Reason

    def health_fault(self, *, now_ms, lease_ms):
        fault = original(self, now_ms=now_ms, lease_ms=lease_ms)
        return None if fault is Reason.LEASE_EXPIRED else fault

    return health_fault
