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
    """The queen holds a stream until it is complete, and then sends all of it: every token comes, none as it is made.

    Imagined (a compressing middleware). Must be noticed where a client has to see tokens before the end.
    """
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
    """A hive gives each request its own default deadline on top of what the hop before it has left.

    Real: the predecessor: the deadline grows at a hop. The queen's own clock hides it from her clients.
    """
    read = original.__func__

    def from_header(cls, value, *, default_ms, since=None):
        found = read(cls, value, default_ms=default_ms, since=since)
        return found if value is None else cls(found.at + default_ms / 1000)

    return classmethod(from_header)


@seed(role="queen", patches="daemons.common.relay:_Exchange._pass_through")
@caught_by(REQUESTS, "A deadline holds at the queen")
def deadline_leaves_the_work(original):
    """A queen whose request has passed its deadline says so, and leaves the hive to make the answer to its end.

    Real: of the kind of the predecessor, whose deadlines grew at a hop, and vllm #10087: the client hears 504 in time,
    and a slot stays taken for nobody.
    """
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
    """The first chunk of a stream names the role and leaves its token out.

    Imagined (a classic of OpenAI-compatible servers). Whole answers are right.
    """
    return lambda self, token: bytes(original(self, ""))


@seed(role="queen", patches="daemons.queen.cluster_routes:_model_cards")
@caught_by(OPENAI_CLIENT, "Listing models and streaming a completion")
def lists_default_model(original):
    """`GET /v1/models` lists a model that nobody has, beside those that are there.

    Real: of the kind of the predecessor's default model.
    """

    def _model_cards(queen):
        cards = original(queen)
        return [*cards, cards[0].model_copy(update={"id": "default"})] if cards else cards

    return _model_cards


@seed(role="hive", patches="daemons.common.relay:_Exchange._refused")
@caught_by(REQUESTS, "A client's mistakes do not count against the worker")
def mistake_is_502(original):
    """A worker's 404 is passed on as 502 worker_lost: a hive takes every answer that is no 200 for a lost worker.

    Imagined, next to sglang #25811. A client that obeys the code repeats its mistake.
    """
    from daemons.common.client import PeerFault

    async def _refused(self, response):
        await self._read_whole(response)
        return self._broken(PeerFault.UNREADABLE)

    return _refused


@seed(role="hive", patches="daemons.hive.inference:WorkerRoute.release")
@caught_by(REQUESTS, "A client's mistakes do not count against the worker")
def mistakes_count_against_worker(original):
    """A worker that answers a client's mistake with 4xx is left alone for a while, as if it had failed.

    Real: sglang #25811: a client's 400s trip the worker's breaker. It lasts for the cool-down of a refused connection.
    """
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
    """A worker calls ready as soon as it listens; its model may still be loading, and requests get 503 meanwhile.

    Real: the predecessor: ready is announced before the listener is bound, with the other thing that ready means.
    Small models load before anybody asks.
    """
    from daemons.common.wire import WorkerState

    def state(self):
        return WorkerState.DRAINING if self.draining else WorkerState.READY

    return property(state)


@seed(role="hive", patches="daemons.hive.app:_DESCRIPTION", fast=True)
@caught_by(CONTRACT, "The hive's file")
def undocumented_field(original):
    """A hive serves a document that says something else than docs/openapi/hive.json.

    Imagined. Must be noticed by the contract's scenario alone.
    """
    return original + " It also makes honey."


@seed(role="worker", patches="daemons.worker.frames:Frames.whole")
@caught_by(OPENAI_CLIENT, "Listing models and streaming a completion")
def whole_answer_trimmed(original):
    """An answer that is not streamed loses the space that its first token begins with; a stream keeps it.

    Imagined. Must be noticed where both have to be the same.
    """
    return lambda self, tokens: bytes(original(self, ["".join(tokens).strip()]))
