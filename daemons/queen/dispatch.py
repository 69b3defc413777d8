"""Assigns each inference request a worker with a free slot, and marks workers and hives by how the attempt went."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from daemons.common import asgi
from daemons.common.client import PeerFault
from daemons.common.completions import ChatRequest, CompletionRequest
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import current_request_id, log
from daemons.common.metrics import Metrics
from daemons.common.targets import Attempt, Route, Target, Verdict
from daemons.common.wire import WORKER_ID_HEADER
from daemons.queen.cluster import Cluster
from daemons.queen.entries import HiveEntry
from daemons.queen.routing import Candidate, Refusal, RefusalKind
from daemons.queen.waiting import WaitingLines

_WORKER_IS_OUT = frozenset(
    {
        ErrorCode.WORKER_LOST,
        ErrorCode.WORKER_NOT_FOUND,
        ErrorCode.NO_WORKER_AVAILABLE,
        ErrorCode.STARTING,
        ErrorCode.DRAINING,
        ErrorCode.STALLED,
        ErrorCode.OUT_OF_MEMORY,
    }
)
"""Answers of a hive about a worker that cannot serve now: it is marked down until a lease says more."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of one worker, taken for one attempt."""

    candidate: Candidate
    hive_id: str
    hive_instance: str
    hive_url: str
    taken_at: float  # monotonic seconds


class Admission:
    """Takes slots; a request that finds all of them taken waits in line, unless the lines are full.

    `take` is interrupted by the deadline, by DELETE and by a client that hangs up.
    """

    def __init__(self, cluster: Cluster, lines: WaitingLines) -> None:
        self._cluster = cluster
        self._lines = lines

    async def take(self, model: str, avoid: Collection[str]) -> Slot:
        """Return a slot on the best worker for that model, not one of `avoid`.

        Raises:
            ApiError: 404 the model is unknown, 503 no worker of it can serve now, 429 all slots are busy and the lines
                are full.
        """
        # A new request may take a free slot at once only when none waits for it already.
        if not self._lines.occupied(model):
            chosen = self._choose(model, avoid)
            if isinstance(chosen, Candidate):
                return self._taken(chosen)
            if self._lines.full:
                raise refusal_error(model, chosen, self._cluster)
        elif self._lines.full:
            raise ApiError(ErrorCode.BUSY, f"all slots for model {model} are busy, and no more requests may wait")
        with self._lines.join(model) as ticket:
            while True:
                await ticket.called()
                chosen = self._choose(model, avoid)
                if isinstance(chosen, Candidate):
                    return self._taken(chosen)

    def _choose(self, model: str, avoid: Collection[str]) -> Candidate | Refusal:
        """Return the worker, or the refusal that waiting can change: all are busy. Raise any other refusal."""
        chosen = self._cluster.choose(model, avoid)
        if isinstance(chosen, Refusal) and chosen.kind is not RefusalKind.ALL_BUSY:
            raise refusal_error(model, chosen, self._cluster)
        return chosen

    def _taken(self, chosen: Candidate) -> Slot:
        hive = self._cluster.registry.hive(chosen.hive_id)
        assert hive is not None, "a routable worker's hive is known"
        self._cluster.ledger.take(chosen.worker_id, chosen.instance, chosen.hive_id)
        return Slot(chosen, hive.hive_id, hive.instance, hive.lease.url, time.monotonic())

    def give_back(self, slot: Slot) -> None:
        """Free the slot after an attempt, however it went."""
        self._cluster.ledger.give_back(slot.candidate.worker_id, slot.candidate.instance)
        self._lines.call_first()


def refusal_error(model: str, refusal: Refusal, cluster: Cluster) -> ApiError:
    """Return the error for a request without a worker."""
    if refusal.kind is RefusalKind.ALL_BUSY:
        message = f"all slots of the workers with model {model} are busy"
        details = {"model": model, "workers": refusal.workers, "slots_total": refusal.slots_total}
        return ApiError(ErrorCode.BUSY, message, details=details)
    if refusal.kind is RefusalKind.UNKNOWN_MODEL:
        awaited = cluster.awaited_hives()
        if awaited:
            message = "this queen has just started, and not all known hives have sent a lease yet"
            return ApiError(ErrorCode.STARTING, message, details={"model": model, "hives_awaited": awaited})
        return ApiError(ErrorCode.MODEL_NOT_FOUND, f"no hive has the model {model}", details={"model": model})
    if (short := cluster.short_of_memory(model)) is not None:
        message = f"model {model}: not enough memory for any worker of it"
        details = {"model": model, **short.model_dump(mode="json", exclude_none=True)}
        return ApiError(ErrorCode.OUT_OF_MEMORY, message, details=details)
    why = "no worker runs it" if not refusal.workers else "none of its workers can serve now"
    details = {"model": model, "workers": refusal.workers, "blocked": dict(refusal.blocked)}
    return ApiError(ErrorCode.NO_WORKER_AVAILABLE, f"model {model}: {why}", details=details)


class Dispatcher:
    """The queen's routing, as the relay uses it."""

    def __init__(self, cluster: Cluster, metrics: Metrics, *, queue_limit: int) -> None:
        self.cluster = cluster
        self.lines = WaitingLines(queue_limit)
        self.admission = Admission(cluster, self.lines)
        metrics.gauge("requests_waiting", "Requests that wait for a slot.", lambda: len(self.lines))
        self.retries = metrics.counter("retries", "Attempts on another worker before the first byte.")
        self.markdowns: Counter = metrics.counter(
            "markdowns", "Hives and workers marked down after a failed attempt.", label="part"
        )
        for part in ("hive", "worker"):
            self.markdowns.labels(part)
        self._serving: dict[str, HiveEntry] = {}

    def route(self, request: ChatRequest | CompletionRequest, scope: Scope) -> Route:
        """Return the route of one request."""
        return DispatchedRoute(self, request.model, scope["path"])

    def serving(self, request_id: str) -> HiveEntry | None:
        """Return the hive that serves this request now."""
        return self._serving.get(request_id)

    def began(self, slot: Slot) -> None:
        """Note that the request goes to that slot's hive."""
        hive = self.cluster.registry.hive(slot.hive_id)
        if hive is not None:
            self._serving[current_request_id()] = hive

    def ended(self, slot: Slot, attempt: Attempt) -> None:
        """Free the slot after an attempt, and mark the hive or worker up or down by its outcome."""
        self._serving.pop(current_request_id(), None)
        self.admission.give_back(slot)
        worker = slot.candidate
        if attempt.verdict is Verdict.SERVED:
            self.cluster.served(worker, slot.hive_instance)
        elif _is_about_hive(attempt):
            if self.cluster.hive_refused(slot.hive_id, slot.hive_instance):
                self._marked_down("hive", slot, attempt)
        elif _is_about_worker(attempt) and self.cluster.worker_refused(worker.worker_id, worker.instance):
            self._marked_down("worker", slot, attempt)
        log.info(
            "attempt",
            worker_id=worker.worker_id,
            hive_id=slot.hive_id,
            verdict=attempt.verdict,
            code=attempt.code,
            duration_ms=round((time.monotonic() - slot.taken_at) * 1000, 3),
        )

    def _marked_down(self, part: str, slot: Slot, attempt: Attempt) -> None:
        self.markdowns.labels(part).inc()
        log.warning(
            f"{part}_marked_down",
            hive_id=slot.hive_id,
            worker_id=slot.candidate.worker_id,
            code=attempt.code,
            fault=attempt.fault,
        )


class DispatchedRoute:
    """The targets of one request, one for each attempt."""

    def __init__(self, dispatcher: Dispatcher, model: str, path: str) -> None:
        self._dispatcher = dispatcher
        self._model = model
        self._path = path
        self._tried: set[str] = set()
        self._slot: Slot | None = None

    async def pick(self) -> Target:
        """Return the next worker, with a slot taken."""
        assert self._slot is None, "the previous attempt was not released"
        slot = await self._dispatcher.admission.take(self._model, self._tried)
        if self._tried:
            self._dispatcher.retries.inc()
        worker_id = slot.candidate.worker_id
        self._tried.add(worker_id)
        self._slot = slot
        self._dispatcher.began(slot)
        return Target(f"{slot.hive_url}{self._path}", worker_id, {WORKER_ID_HEADER: worker_id})

    def release(self, target: Target, attempt: Attempt) -> None:
        """Free the slot."""
        slot, self._slot = self._slot, None
        assert slot is not None, f"{target.label} was never picked"
        self._dispatcher.ended(slot, attempt)


def _is_about_hive(attempt: Attempt) -> bool:
    """Return whether the connection to the hive itself failed; a stall may be the worker's."""
    failed = attempt.verdict in (Verdict.UNREACHABLE, Verdict.BROKE)
    return failed and attempt.code is not ErrorCode.STALLED and attempt.fault is not PeerFault.UNREADABLE


def _is_about_worker(attempt: Attempt) -> bool:
    """Return whether the hive reported the worker as unable to serve, or the worker itself failed."""
    if attempt.verdict is Verdict.REFUSED:
        return attempt.code in _WORKER_IS_OUT
    return attempt.verdict in (Verdict.UNREACHABLE, Verdict.BROKE)


class FirstByte:
    """Measures when an answer begins: the time from a request's arrival to the first bytes of a 200."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """app: the relay; `queen_first_byte_seconds` is added to `metrics`."""
        self._app = app
        self._seconds = metrics.histogram("first_byte_seconds", "From a request's arrival to its answer's first byte.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def send_and_measure(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._seconds.observe(time.monotonic() - asgi.arrived(scope))
            await send(message)

        await self._app(scope, receive, send_and_measure)
