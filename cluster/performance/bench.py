"""Measurements: a load on the cluster, what the daemons used meanwhile, what may be concluded."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from beehave.conditions import always
from beehave.errors import HarnessError
from beehave.faults.base import FaultStack
from beehave.faults.pause import Pause
from beehave.identity import Identity
from beehave.load.machine import MachineUse
from beehave.load.plan import Pace
from beehave.load.process import LoadProcess
from beehave.load.result import Bounds, LoadResult, Verdict, VerdictKind, judge, lagged
from beehave.process.sampler import Limit, Load, Sampler, Trend
from cluster.clients import Clients
from cluster.cluster import TOKEN_INTERVAL_MS, Cluster
from cluster.history import History
from cluster.inference import CHAT, Inference
from cluster.records import Kind, Sent
from cluster.registry_view import RegistryView, WorkerIdentity

BOUNDS = Bounds(mean_ms=100, p99_ms=500)
"""What the product promises (docs/behaviours.md, A8); a measurement counts when the generator was quick enough."""
MEASUREMENTS = 3
"""How often a measurement is taken at most. Only an inconclusive one is taken again."""
WARM_UP_REQUESTS = 200
"""Before anything is measured: first imports, connections and buffers are not what a run costs."""
WARM_UP_RATE_PER_S = 100.0
PAUSE_S = 1.0
STREAM_LEAD_S = 1.0
"""A stream begins as long before the requests beside it, and ends as long after them."""
OVERTIME_S = 5.0
"""Beyond the product's own deadline, so that its 504 is seen as one and not as the generator's timeout."""
MIB = 1024 * 1024
LIMITS = (
    Limit("rss_bytes", at_least=MIB, per_request=1024),
    Limit("open_files", at_least=2, per_request_in_flight=2),
    Limit("threads", at_least=2),
)
"""What may grow over a run. Memory: a kilobyte a request, and an arena of Python's (1 MiB) in any case. Open files: a
connection in and one out for each request that was under way at the worst moment, and two of a daemon's own. Threads:
a second and third one of a pool that is used for the first time."""


class Bench:
    """Puts loads on the cluster of one scenario."""

    def __init__(
        self, cluster: Cluster, registry: RegistryView, clients: Clients, faults: FaultStack, history: History
    ) -> None:
        self._cluster = cluster
        self._registry = registry
        self._clients = clients
        self._faults = faults
        self._history = history
        self._loads: dict[str, LoadProcess] = {}
        self._sampler: Sampler | None = None
        self._others_share = 0.0
        self._number = 0
        self._warm = False
        self._pauses: dict[str, Pause] = {}

    def send(self, count: int, *, pace: Pace, seconds: float, seed: int = 1) -> None:
        """Send `count` requests on a schedule over `seconds`, until a measurement is conclusive or all are taken."""
        start = partial(self._start, "open loop", count=count, rate_per_s=count / seconds, pace=pace, seed=seed)
        self._until_conclusive(partial(self._sampled, start, seconds=seconds), lambda: self._inconclusive(BOUNDS))

    def send_through_pause(self, count: int, *, seconds: float, part: str) -> None:
        """Send on a constant schedule; in the middle the worker, or the generator itself, is paused for a second."""
        if part != "generator":
            self._warm_up()

        def measure() -> None:
            load = self._start("open loop", count=count, rate_per_s=count / seconds)
            self._pauses["open loop"] = self._pause_in_the_middle(load, part)

        worthless: Callable[[], str] = (lambda: "") if part == "generator" else self._lagged
        self._until_conclusive(measure, worthless)

    def ask_through_pause(self, *, seconds: float, count_max: int) -> None:
        """Let one client ask again and again, each time after the answer, with the worker paused in the middle."""
        load = self._start("closed loop", count=count_max, rate_per_s=count_max / seconds, pace=Pace.CLOSED)
        self._pauses["closed loop"] = self._pause_in_the_middle(load, "worker")

    def stream_and_send(self, *, seconds: int, rate_per_s: float) -> None:
        """Run a stream that takes `seconds`, and send requests beside it, all of them while it runs."""
        beside_s = seconds - 2 * STREAM_LEAD_S
        count = round(beside_s * rate_per_s)

        def measure() -> None:
            stream = self._start_stream(seconds)
            self._let_pass(stream, STREAM_LEAD_S)
            self._sampled(partial(self._start, "open loop", count=count, rate_per_s=rate_per_s), seconds=beside_s)
            stream.wait_until_ended()

        self._until_conclusive(measure, lambda: self._inconclusive(BOUNDS))

    def result(self, name: str = "open loop") -> LoadResult:
        """Return what a load found, as an observation."""
        if name not in self._loads:
            raise HarnessError(f'no When of this scenario sent requests on a schedule or ran a load called "{name}"')
        return self._loads[name].result()

    def pause_ms(self, name: str = "open loop") -> float:
        """Return how long the pause in a load really was, in milliseconds.

        Raises:
            HarnessError: there was none.
        """
        if name not in self._pauses:
            raise HarnessError(f"no When of this scenario paused anything in the {name}")
        return self._pauses[name].seconds * 1000

    def verdict(self, bounds: Bounds) -> Verdict:
        """Judge the last measurement by the bounds, and record it as an observation."""
        verdict = judge(self.result(), bounds, others_share=self._others_share)
        self._cluster.journal.observe("verdict", verdict=str(verdict), others_share=round(self._others_share, 3))
        return verdict

    def line(self, bounds: Bounds) -> str:
        """Return the last measurement in one line, for the figures of a report."""
        allowed = f"bounds: mean {bounds.mean_ms:.0f}, p99 {bounds.p99_ms:.0f} ms"
        return f"{self.result().short()}; others used {self._others_share:.0%} of the machine ({allowed})"

    def report(self) -> str:
        """Return the last measurement as text."""
        beside = f"other processes used {self._others_share:.0%} of the machine's CPU"
        return f"{self.result().text()}; {beside}"

    def trends(self) -> list[Trend]:
        """Return how memory, open files and threads of each daemon moved over the last measurement."""
        if self._sampler is None:
            raise HarnessError("no When of this scenario measured what the daemons use")
        result = self.result()
        return self._sampler.trends(LIMITS, Load(result.planned, result.in_flight_max))

    def close(self) -> None:
        """End the sampler; the generators are processes and the table's to end."""
        if self._sampler is not None:
            self._sampler.stop()

    def _sampled(self, start: Callable[[], LoadProcess], *, seconds: float) -> None:
        """Run one load to its end with the sampler beside it."""
        self._warm_up()
        sampler = self._sampler = Sampler.over(self._cluster.journal, self._daemons(), seconds=seconds)
        sampler.start()
        use = MachineUse(sampler.cpu_s)
        try:
            start().wait_until_ended()
            sampler.look_once()
            self._others_share = use.others_share()
        finally:
            sampler.stop()

    def _until_conclusive(self, measure: Callable[[], None], worthless: Callable[[], str]) -> None:
        for number in range(1, MEASUREMENTS + 1):
            measure()
            if not (why := worthless()):
                return
            self._cluster.journal.record("note", text=f"measurement {number} of at most {MEASUREMENTS}: {why}")

    def _inconclusive(self, bounds: Bounds) -> str:
        verdict = self.verdict(bounds)
        return str(verdict) if verdict.kind is VerdictKind.INCONCLUSIVE else ""

    def _lagged(self) -> str:
        return lagged(self.result().lag, BOUNDS)

    def _warm_up(self) -> None:
        if not self._warm:
            self._start("warm-up", count=WARM_UP_REQUESTS, rate_per_s=WARM_UP_RATE_PER_S).wait_until_ended()
            self._warm = True

    def _start(self, name: str, *, tokens: int = 1, **plan: Any) -> LoadProcess:
        self._number += 1
        given = {
            "url": f"{self._cluster.queen.address.url}{CHAT}",
            "body": Inference.body("how long does it take", max_tokens=tokens),
            "timeout_s": self._cluster.durations.deadline_ms / 1000 + OVERTIME_S,
        }
        before = self._clients.counts()
        load = LoadProcess(self._cluster.daemons, f"load-{self._number}", **(given | plan))
        self._loads[name] = load
        self._history.send(Sent(Kind.REQUEST, before, load=load))
        return load

    def _start_stream(self, seconds: int) -> LoadProcess:
        interval_ms = self._cluster.worker_options.get("token_interval_ms", TOKEN_INTERVAL_MS)
        tokens = seconds * 1000 // interval_ms
        allowed_s = 2 * seconds + OVERTIME_S
        load = self._start(
            "stream",
            body=Inference.body("a long story", max_tokens=tokens) | {"stream": True},
            headers={"X-Deadline-Ms": str(round(allowed_s * 1000))},
            timeout_s=allowed_s,
            count=1,
            rate_per_s=1.0,
        )
        load.wait_until_started()
        return load

    def _pause_in_the_middle(self, load: LoadProcess, part: str) -> Pause:
        load.wait_until_started()
        self._let_pass(load, (load.plan.seconds - PAUSE_S) / 2)
        process = load.process.identity if part == "generator" else self._a_worker()
        if process is None:
            raise HarnessError(f"{load.name} was never started")
        pause = Pause(self._cluster.journal, f"the {part}", process)
        self._faults.add(pause)
        self._let_pass(load, PAUSE_S)
        self._faults.heal(pause)
        load.wait_until_ended()
        return pause

    def _let_pass(self, load: LoadProcess, seconds: float) -> None:
        always(self._cluster.journal, f"{load.name} is under way", load.process.alive, bool, for_s=seconds)

    def _a_worker(self) -> Identity:
        return WorkerIdentity.of_row(self._registry.first_row()).process

    def _daemons(self) -> dict[str, Identity]:
        """Return the processes of queen, hives and workers by their names."""
        own = [self._cluster.queen, *self._cluster.hives]
        daemons = {daemon.name: identity for daemon in own if (identity := daemon.process.identity)}
        return daemons | {row["id"]: WorkerIdentity.of_row(row).process for row in self._registry.queen_rows()}
