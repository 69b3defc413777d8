"""Which worker serves an inference: the one that the queen chose, or the least loaded of this hive."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from daemons.common import asgi
from daemons.common.completions import ChatRequest, CompletionRequest
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.targets import Attempt, Target, Verdict
from daemons.common.wire import WORKER_ID_HEADER, Shortage, WorkerState
from daemons.hive.memory.insufficient_memory import InsufficientMemoryError
from daemons.hive.models.catalog import Catalog
from daemons.hive.workers.facts import ProcessFacts, now_ms
from daemons.hive.workers.pool import WorkerPool
from daemons.hive.workers.prober import Prober
from daemons.hive.workers.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker that can serve, as far as the choice depends on it."""

    id: str
    slots_total: int
    relaying: int

    @property
    def free(self) -> int:
        """The slots without a request."""
        return self.slots_total - self.relaying


def choose(candidates: list[Candidate]) -> Candidate | None:
    """Return the candidate with the smallest share of busy slots, by id among equals; None when all are full."""
    free = [each for each in candidates if each.free > 0]
    return min(free, key=lambda each: (each.relaying / each.slots_total, each.id), default=None)


class HiveRouter:
    """Makes the route of each request, from `open` on."""

    def __init__(self) -> None:
        self._parts: tuple[WorkerPool, Catalog, Prober] | None = None

    def open(self, pool: WorkerPool, catalog: Catalog, prober: Prober) -> None:
        """Serve requests from now on."""
        self._parts = (pool, catalog, prober)

    def route(self, request: ChatRequest | CompletionRequest, scope: Scope) -> WorkerRoute:
        """Return the route of one request.

        Raises:
            ApiError: 404 when this hive does not have the model.
        """
        assert self._parts is not None, "the gate lets no request through before the hive is open"
        pool, catalog, prober = self._parts
        chosen = asgi.header(scope, WORKER_ID_HEADER.encode())
        if chosen is None and request.model not in catalog and not pool.uses(request.model):
            raise ApiError(ErrorCode.MODEL_NOT_FOUND, "this hive has no such model")
        return WorkerRoute(pool, prober, request.model, scope["path"], chosen)


class WorkerRoute:
    """The route of one request to a worker. With a worker chosen by the queen there is one try: the queen retries."""

    def __init__(self, pool: WorkerPool, prober: Prober, model: str, path: str, chosen: str | None) -> None:
        self._pool = pool
        self._prober = prober
        self._model = model
        self._path = path
        self._chosen = chosen
        self._tried: set[str] = set()
        self._taken: dict[str, tuple[Supervisor, ProcessFacts]] = {}

    async def pick(self) -> Target:
        """Return the next worker, with a slot of it taken.

        Raises:
            ApiError: 429 when all slots are busy, 503 when no worker can serve this now, 507 when none ever will
                for lack of memory.
        """
        serving = self._serving()
        if not serving and (short := self._insufficient_memory()) is not None:
            raise InsufficientMemoryError(short, f"not enough memory on this hive for any worker with {self._model}")
        if not serving:
            raise ApiError(ErrorCode.NO_WORKER_AVAILABLE, self._why_none())
        chosen = choose([Candidate(each, facts.slots_total, facts.relaying) for each, (_, facts) in serving.items()])
        if chosen is None:
            raise ApiError(ErrorCode.BUSY, "every slot that could serve this is busy")
        supervisor, process = self._taken[chosen.id] = serving[chosen.id]
        assert process.port is not None, "a worker that serves has reported its port"
        process.relaying += 1
        self._tried.add(chosen.id)
        return Target(url=f"{self._prober.url(process.port)}{self._path}", label=supervisor.id)

    def release(self, target: Target, attempt: Attempt) -> None:
        """Free the slot, and report the outcome of the attempt to the worker's supervisor."""
        supervisor, process = self._taken.pop(target.label)
        process.relaying -= 1
        process.active_at_ms = now_ms()
        if attempt.verdict is Verdict.SERVED:
            supervisor.served(process)
        elif attempt.verdict in (Verdict.UNREACHABLE, Verdict.BROKE):
            supervisor.mark_down(process)

    def _serving(self) -> dict[str, tuple[Supervisor, ProcessFacts]]:
        found: dict[str, tuple[Supervisor, ProcessFacts]] = {}
        for supervisor in self._pool:
            wanted = supervisor.id == self._chosen if self._chosen else supervisor.facts.spec.model == self._model
            process = supervisor.serving() if wanted and supervisor.id not in self._tried else None
            if process is not None and process.port is not None:
                found[supervisor.id] = (supervisor, process)
        return found

    def _insufficient_memory(self) -> Shortage | None:
        """Return what is insufficient when every worker of the model failed for lack of memory here.

        None for a worker that the queen chose: the queen knows workers of other hives.
        """
        rows = [supervisor.row() for supervisor in self._pool if supervisor.facts.spec.model == self._model]
        if (
            self._chosen is not None
            or not rows
            or any(row.state is not WorkerState.FAILED or row.shortage is None for row in rows)
        ):
            return None
        return rows[-1].shortage

    def _why_none(self) -> str:
        if self._chosen is None:
            return "no worker of this hive can serve this model now"
        supervisor = self._pool.find(self._chosen)
        if supervisor is None:
            return "this hive has no such worker (any more)"
        row = supervisor.row()
        return f"worker {row.id} cannot serve now: it is {row.state}" + (f" ({row.reason})" if row.reason else "")
