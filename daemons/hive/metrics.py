"""The hive's counters, besides those of inference, and its gauges, which are read from the hive's state."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable

from daemons.common.metrics import Metrics
from daemons.common.wire import DeviceEntry, WorkerRow, WorkerState
from daemons.hive.ending import HowEnded
from daemons.hive.models.pulls import OUTCOMES
from daemons.hive.recovery.damage import DamageKind
from daemons.hive.recovery.repair import SOURCES


class HiveCounters:
    """The counters. Each label value exists from the start, so that the first event is visible as an increase."""

    def __init__(self, metrics: Metrics) -> None:
        self.restarts = metrics.counter("worker_restarts", "Worker processes started in place of an ended one.")
        self.exits = metrics.counter("worker_exits", "Worker processes that ended, by how.", label="how")
        self.downloads = metrics.counter("downloads", "Downloads of models that ended, by how.", label="outcome")
        self.damages = metrics.counter("catalog_damages", "Damaged database files found, by kind.", label="kind")
        self.recovered = metrics.counter(
            "catalog_recovered_rows", "Models in rebuilt catalogs, by source.", label="source"
        )
        for kind in DamageKind:
            self.damages.labels(kind)
        for source in SOURCES:
            self.recovered.labels(source)
        self.out_of_memory = metrics.counter(
            "out_of_memory", "Workers that had not enough memory, by what detected it.", label="by"
        )
        for how in HowEnded:
            self.exits.labels(how)
        for outcome in OUTCOMES:
            self.downloads.labels(outcome)


def add_gauges(
    metrics: Metrics,
    rows: Callable[[], list[WorkerRow]],
    queen_up: Callable[[], bool],
    catalog_on_disk: Callable[[], bool],
) -> None:
    """Add the gauges; the functions are called at each scrape."""

    def by_state() -> dict[str, float]:
        tally = Tally(row.state for row in rows())
        return {state: tally[state] for state in WorkerState}

    def slots() -> dict[str, float]:
        busy = sum(row.slots_busy for row in rows())
        return {"busy": busy, "free": sum(row.slots_total for row in rows()) - busy}

    metrics.gauge("workers", "Workers by state.", by_state, label="state")
    metrics.gauge("slots", "Slots of live workers, busy or free.", slots, label="state")
    metrics.gauge("queen_up", "1 while the queen accepts this hive's leases.", lambda: float(queen_up()))
    metrics.gauge("catalog_on_disk", "1 while the models' rows are on disk.", lambda: float(catalog_on_disk()))


def add_device_gauges(metrics: Metrics, devices: Callable[[], list[DeviceEntry]]) -> None:
    """Add the gauges of the declared devices, read from their ledgers at each scrape."""
    metrics.gauge(
        "device_memory_bytes",
        "Memory of each declared device.",
        lambda: {device.name: device.memory_bytes for device in devices()},
        label="device",
    )
    metrics.gauge(
        "device_used_bytes",
        "Memory of each declared device that workers hold, including those of other hives.",
        lambda: {device.name: device.used_bytes for device in devices()},
        label="device",
    )
