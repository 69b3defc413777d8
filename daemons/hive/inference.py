"""Which worker an inference goes to: the one that the queen chose, or the least loaded of this hive."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import Scope

from daemons.common import asgi
from daemons.common.completions import ChatRequest, CompletionRequest
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.targets import Attempt, Target, Verdict
from daemons.common.wire import WORKER_ID_HEADER, Shortage, WorkerState
from daemons.hive.memory.shortage import ShortError
from daemons.hive.models.catalog import Catalog
from daemons.hive.workers.facts import ProcessFacts, now_ms
from daemons.hive.workers.prober import Prober
from daemons.hive.workers.roster import Roster
from daemons.hive.workers.supervisor import Supervisor


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker that could serve: what the choice depends on."""

    id: str
    slots_total: int
    relaying: int

    @property
    def free(self) -> int:
        """Slots that nothing runs in."""
        return self.slots_total - self.relaying


def choose(candidates: list[Candidate]) -> Candidate | None:
    """The candidate with the smallest share of its slots taken, the first by id among equals; None: all are full."""
    free = [each for each in candidates if each.free > 0]
    return min(free, key=lambda each: (each.relaying / each.slots_total, each.id), default=None)


class HiveRouter:
    """Makes the route of each request, from `open` on; before that nothing can be served."""

    def __init__(self) -> None:
        self._roster: Roster | None = None
        self._catalog: Catalog | None = None
        self._prober: Prober | None = None

    def open(self, roster: Roster, catalog: Catalog, prober: Prober) -> None:
        """The hive runs: requests can be served from now on."""
        self._roster, self._catalog, self._prober = roster, catalog, prober

    def route(self, request: ChatRequest | CompletionRequest, scope: Scope) -> WorkerRoute:
        """The route of one request.

        Raises:
            ApiError: 404 when this hive knows nothing of the model.
        """
        assert self._roster is not None, "the gate lets no request through before the hive is open"
        assert self._catalog is not None
        assert self._prober is not None
        chosen = asgi.header(scope, WORKER_ID_HEADER.encode())
        if chosen is None and request.model not in self._catalog and not self._roster.uses(request.model):
            raise ApiError(ErrorCode.MODEL_NOT_FOUND, "this hive has no such model")
        return WorkerRoute(self._roster, self._prober, request.model, scope["path"], chosen)


class WorkerRoute:
    """The way of one request to a worker. With a worker chosen by the queen there is one try: the queen has others."""

    def __init__(self, roster: Roster, prober: Prober, model: str, path: str, chosen: str | None) -> None:
        self._roster = roster
        self._prober = prober
        self._model = model
        self._path = path
        self._chosen = chosen
        self._tried: set[str] = set()
        self._taken: dict[str, tuple[Supervisor, ProcessFacts]] = {}

    async def pick(self) -> Target:
        """The next worker, with a slot of it taken.

        Raises:
            ApiError: 429 when the slots are taken, 503 when no worker can serve this now, 507 when none ever will
                because memory is too short.
        """
        serving = self._serving()
        if not serving and (short := self._short_of_memory()) is not None:
            raise ShortError(short, f"there is too little memory for every worker with {self._model} on this hive")
        if not serving:
            raise ApiError(ErrorCode.NO_WORKER_AVAILABLE, self._why_none())
        chosen = choose([Candidate(each, facts.slots_total, facts.relaying) for each, (_, facts) in serving.items()])
        if chosen is None:
            raise ApiError(ErrorCode.BUSY, "every slot that could serve this is taken")
        supervisor, process = self._taken[chosen.id] = serving[chosen.id]
        assert process.port is not None, "a worker that serves has told its port"
        process.relaying += 1
        self._tried.add(chosen.id)
        return Target(url=f"{self._prober.url(process.port)}{self._path}", label=supervisor.id)

    def release(self, target: Target, attempt: Attempt) -> None:
        """Give the slot back, and tell the supervisor what the attempt says about its worker."""
        supervisor, process = self._taken.pop(target.label)
        process.relaying -= 1
        process.active_at_ms = now_ms()
        if attempt.verdict is Verdict.SERVED:
            supervisor.served(process)
        elif attempt.verdict in (Verdict.UNREACHABLE, Verdict.BROKE):
            supervisor.mark_down(process)

    def _serving(self) -> dict[str, tuple[Supervisor, ProcessFacts]]:
        found: dict[str, tuple[Supervisor, ProcessFacts]] = {}
        for supervisor in self._roster:
            wanted = supervisor.id == self._chosen if self._chosen else supervisor.facts.spec.model == self._model
            process = supervisor.serving() if wanted and supervisor.id not in self._tried else None
            if process is not None and process.port is not None:
                found[supervisor.id] = (supervisor, process)
        return found

    def _short_of_memory(self) -> Shortage | None:
        """What there was too little of, when every worker of the model has failed of it here. Of a worker that the
        queen chose this says nothing final: she has others."""
        rows = [supervisor.row() for supervisor in self._roster if supervisor.facts.spec.model == self._model]
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
        supervisor = self._roster.find(self._chosen)
        if supervisor is None:
            return "this hive has no such worker (any more)"
        row = supervisor.row()
        return f"worker {row.id} cannot serve now: it is {row.state}" + (f" ({row.reason})" if row.reason else "")
