"""Seeds that the scenarios of features/full_stack must notice."""

import asyncio

from bugs.seed import caught_by, seed

CONTRACT = "features/full_stack/contract.feature"
OPENAI_CLIENT = "features/full_stack/openai_client.feature"
REQUESTS = "features/full_stack/requests.feature"
CONCURRENCY = "features/integration/concurrency.feature"
RESTART = "features/integration/worker_restart_during_inference.feature"


@seed(role="queen", patches="daemons.common.sse:SseTail.feed")
@caught_by(OPENAI_CLIENT, "Listing models and streaming a completion")
def buffers_streams(original):
    """The queen holds a stream until it is complete, and then sends all of it, as a compressing middleware does."""
    kept = {}

    def feed(self, chunk):
        came = kept.pop(id(self), b"") + bytes(original(self, chunk))
        if self.complete:
            return came
        kept[id(self)] = came
        return b""

    return feed


@seed(role="hive", patches="daemons.common.deadline:Deadline.from_header")
@caught_by(REQUESTS, "A deadline holds at the hive")
def deadline_grows_at_hop(original):
    """A hive gives each request its own default on top of what the hop before has left. Real: the predecessor."""
    read = original.__func__

    def from_header(cls, value, *, default_ms, since=None):
        found = read(cls, value, default_ms=default_ms, since=since)
        return found if value is None else cls(found.at + default_ms / 1000)

    return classmethod(from_header)


@seed(role="queen", patches="daemons.common.relay:_Exchange._pass_through")
@caught_by(REQUESTS, "A deadline holds at the queen")
def deadline_leaves_the_work(original):
    """A queen whose request has passed its deadline says so, and lets the hive go on. Real: like vllm #10087."""
    left = set()

    async def _pass_through(self, target):
        target.headers["x-deadline-ms"] = "30000"
        call = asyncio.ensure_future(original(self, target))
        left.add(call)
        call.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(call)

    return _pass_through


@seed(role="worker", patches="daemons.worker.frames:Frames.first")
@caught_by(OPENAI_CLIENT, "Listing models and streaming a completion")
@caught_by(RESTART, "The worker is sent SIGTERM in the middle of a stream")
@caught_by(CONCURRENCY, "More requests than slots wait their turn, and none is lost")
def first_token_lost(original):
    """The first chunk of a stream names the role and leaves its token out. Whole answers are right."""
    return lambda self, token: bytes(original(self, ""))


@seed(role="queen", patches="daemons.queen.routes_cluster:_model_cards")
@caught_by(OPENAI_CLIENT, "Listing models and streaming a completion")
def lists_default_model(original):
    """`GET /v1/models` lists a model that no hive has, beside those that exist. Real: the predecessor."""

    def _model_cards(queen):
        cards = original(queen)
        return [*cards, cards[0].model_copy(update={"id": "default"})] if cards else cards

    return _model_cards


@seed(role="hive", patches="daemons.common.relay:_Exchange._refused")
@caught_by(REQUESTS, "A client's mistakes do not count against the worker")
def mistake_is_502(original):
    """A worker's 404 becomes 502 worker_lost: a hive takes every answer that is no 200 for a lost worker."""
    from daemons.common.client import PeerFault

    async def _refused(self, response):
        await self._read_whole(response)
        return self._broken(PeerFault.UNREADABLE)

    return _refused


@seed(role="hive", patches="daemons.hive.inference:WorkerRoute.release")
@caught_by(REQUESTS, "A client's mistakes do not count against the worker")
def mistakes_count_against_worker(original):
    """A worker that answers a client's mistake with 4xx is left alone for a while. Real: sglang #25811."""
    from daemons.common.targets import Verdict

    def release(self, target, attempt):
        supervisor, process = self._taken[target.label]
        original(self, target, attempt)
        if attempt.verdict is Verdict.REFUSED:
            supervisor.mark_down(process)

    return release


@seed(role="worker", patches="daemons.worker.worker:Worker.state")
@caught_by(REQUESTS, "A worker that is routed to has loaded its model")
def ready_before_loaded(original):
    """A worker calls ready as soon as it listens, while its model is still loading. Real: the predecessor."""
    from daemons.common.wire import WorkerState

    return property(lambda self: WorkerState.DRAINING if self.draining else WorkerState.READY)


@seed(role="hive", patches="daemons.hive.app:_DESCRIPTION", fast=True)
@caught_by(CONTRACT, "The hive's file")
def undocumented_field(original):
    """A hive serves a document that says something else than docs/openapi/hive.json."""
    return original + " It also makes honey."


@seed(role="worker", patches="daemons.worker.frames:Frames.whole")
@caught_by(OPENAI_CLIENT, "Listing models and streaming a completion")
def whole_answer_trimmed(original):
    """An answer that is not streamed loses the space that its first token begins with; a stream keeps it."""
    return lambda self, tokens: bytes(original(self, ["".join(tokens).strip()]))
