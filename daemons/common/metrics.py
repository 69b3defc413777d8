"""Prometheus metrics of one daemon, in a registry of its own.

Counters count events. Gauges are read at scrape time from the sets themselves (never inc/dec), so that they are right
whatever happened to what they count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""From the interval of tokens on a fast machine to twice the default deadline."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # the `_created` samples are of no use here


class Outcome(StrEnum):
    """How an inference request ended, as the label of `<role>_requests_total`."""

    SERVED = "served"
    """Answered completely; a stream up to its [DONE]."""
    ERROR = "error"
    """An infrastructure fault: 5xx, or an error chunk."""
    CLIENT_GONE = "client_gone"
    """The client hung up before the end."""
    CANCELLED = "cancelled"
    """Ended by DELETE /v1/requests/{id}."""
    REJECTED = "rejected"
    """Refused before anything ran for it: 4xx, or 503 because nothing can serve it now."""


GaugeValue = float | Mapping[str, float]
"""One number, or a number for each value of the gauge's label."""


class Metrics:
    """The metrics of a daemon; every role has `requests`."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.registry = CollectorRegistry()
        self.outcomes: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self.requests = self.counter("requests", "Inference requests by how they ended.", label="outcome")
        for outcome in Outcome:
            self.requests.labels(outcome)  # so that it is scraped as 0 before its first event
        self.request_seconds = self.histogram("request_seconds", "Duration of served inference requests.")
        ProcessCollector(registry=self.registry)

    def counter(self, name: str, documentation: str, *, label: str | None = None) -> Counter:
        """Return a new counter `<role>_<name>_total`, with at most one label (never an unbounded one)."""
        return Counter(f"{self.role}_{name}", documentation, [label] if label else [], registry=self.registry)

    def histogram(self, name: str, documentation: str) -> Histogram:
        """Return a new histogram `<role>_<name>` in seconds."""
        return Histogram(f"{self.role}_{name}", documentation, buckets=LATENCY_BUCKETS_S, registry=self.registry)

    def gauge(self, name: str, documentation: str, read: Callable[[], GaugeValue], *, label: str | None = None) -> None:
        """Add a gauge `<role>_<name>`: `read()` at each scrape; with `label`, `read` returns a mapping."""
        self.registry.register(_ReadGauge(f"{self.role}_{name}", documentation, read, label))

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """Count one inference request that ended after `seconds`."""
        self.outcomes[outcome] += 1
        self.requests.labels(outcome).inc()
        if outcome is Outcome.SERVED:
            self.request_seconds.observe(seconds)

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class _ReadGauge(Collector):
    def __init__(self, name: str, documentation: str, read: Callable[[], GaugeValue], label: str | None) -> None:
        self._name = name
        self._documentation = documentation
        self._read = read
        self._label = label

    def describe(self) -> Iterable[Metric]:
        """Return the name without a value: at registration the set behind the gauge may not exist yet."""
        yield GaugeMetricFamily(self._name, self._documentation)

    def collect(self) -> Iterator[Metric]:
        """Return the value as it is now."""
        value = self._read()
        if isinstance(value, Mapping):
            family = GaugeMetricFamily(self._name, self._documentation, labels=[self._label or "kind"])
            for key, number in value.items():
                family.add_metric([key], number)
            yield family
        else:
            yield GaugeMetricFamily(self._name, self._documentation, value=value)
