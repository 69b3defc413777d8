"""What a hive counts, beside its inference requests, and the gauges that are read from its real sets."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable

from daemons.common.metrics import Metrics
from daemons.common.wire import WorkerRow, WorkerState
from daemons.hive.models.pulls import OUTCOMES
from daemons.hive.workers.restart import HowEnded


class HiveCounters:
    """The counters; each label value is there from the start, so that a first event can be told from none."""

    def __init__(self, metrics: Metrics) -> None:
        self.restarts = metrics.counter("worker_restarts", "Worker processes started in place of an ended one.")
        self.exits = metrics.counter("worker_exits", "Worker processes that ended, by how.", label="how")
        self.downloads = metrics.counter("downloads", "Downloads of models that ended, by how.", label="outcome")
        for how in HowEnded:
            self.exits.labels(how)
        for outcome in OUTCOMES:
            self.downloads.labels(outcome)


def add_gauges(metrics: Metrics, rows: Callable[[], list[WorkerRow]], queen_up: Callable[[], bool]) -> None:
    """The gauges; `rows` and `queen_up` are called at each scrape."""

    def by_state() -> dict[str, float]:
        tally = Tally(row.state for row in rows())
        return {state: tally[state] for state in WorkerState}

    def slots() -> dict[str, float]:
        busy = sum(row.slots_busy for row in rows())
        return {"busy": busy, "free": sum(row.slots_total for row in rows()) - busy}

    metrics.gauge("workers", "Workers by state.", by_state, label="state")
    metrics.gauge("slots", "Slots of live workers, by whether something runs in them.", slots, label="state")
    metrics.gauge("queen_up", "1 while the queen takes this hive's leases.", lambda: float(queen_up()))
