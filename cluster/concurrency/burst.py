"""A burst of streaming clients that send in one instant, and a watch over the slots that they take."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from beehave.errors import HarnessError
from cluster.clients import Clients
from cluster.cluster import Cluster
from cluster.history import History
from cluster.inference import Inference
from cluster.records import Kind, Sent
from cluster.registry_view import RegistryView
from cluster.stream import LiveStream

SAMPLE_INTERVAL_S = 0.01
"""Between two looks at the slots: half a token's pace, so that no taken slot is missed for long."""


def in_one_instant(sent_at: Iterable[float], served_at: Iterable[float | None]) -> bool:
    """Return whether all had sent before the first of them was served whole: else they were not a burst.

    Args:
        sent_at: when each client sent, in seconds on one clock.
        served_at: when those that were served whole had their last token; None counts for nothing.
    """
    first = min((at for at in served_at if at is not None), default=None)
    return first is None or max(sent_at) < first


@dataclass(frozen=True)
class SlotSamples:
    """What each worker reported of its slots while a burst was served, look by look."""

    samples: list[dict[str, Any]]

    @property
    def most_busy(self) -> int:
        """The most slots of one worker that were taken at one look."""
        return max((sample["slots_busy"] for sample in self.samples), default=0)

    def __str__(self) -> str:
        """Return how many looks there were, and the most that was seen."""
        return f"{len(self.samples)} looks, at most {self.most_busy} slots taken"


class Burst:
    """Streams that are begun together."""

    def __init__(self, cluster: Cluster, registry: RegistryView, clients: Clients, history: History) -> None:
        self._cluster = cluster
        self._registry = registry
        self._clients = clients
        self._history = history

    def send(self, count: int, *, max_tokens: int) -> None:
        """Begin `count` streams at one barrier and wait until they have all ended, watching the slots meanwhile.

        Raises:
            HarnessError: they were not sent in one instant: a stream was whole before the last one was sent.
        """
        inference = Inference(self._cluster)
        barrier = threading.Barrier(count)
        done = threading.Event()
        samples: list[dict[str, Any]] = []
        sent = self._history.send(Sent(Kind.REQUEST, self._clients.counts()))
        watch = threading.Thread(target=self._watch, args=(samples, done), daemon=True)
        watch.start()
        sent.streams = [
            inference.stream(f"burst {number}", max_tokens=max_tokens, start=barrier) for number in range(count)
        ]
        try:
            for stream in sent.streams:
                stream.join_when_done(self._cluster.durations.deadline_ms / 1000 + max_tokens)
        finally:
            done.set()
            watch.join(5)
        self._history.keep(SlotSamples(samples))
        sent_at = [stream.sent_at for stream in sent.streams]
        spread_ms = round((max(sent_at) - min(sent_at)) * 1000, 3)
        self._cluster.journal.record("request", what="burst", clients=count, sent_within_ms=spread_ms)
        if not in_one_instant(sent_at, [stream.ended_at for stream in sent.streams if stream.done]):
            raise HarnessError(f"{count} clients sent within {spread_ms} ms: one was served before the last had sent")

    def outcomes(self) -> tuple[list[LiveStream], list[LiveStream]]:
        """Return the streams that were begun together and are whole, and the others."""
        streams = self._history.streams()
        for stream in streams:
            stream.wait_for_end()
        return [stream for stream in streams if stream.whole], [stream for stream in streams if not stream.whole]

    def slots_seen(self) -> list[dict[str, Any]]:
        """Return every look at the slots."""
        return self._history.kept(SlotSamples, "watched the slots of the workers, as a burst of clients does").samples

    def _watch(self, samples: list[dict[str, Any]], done: threading.Event) -> None:
        clients = [self._registry.client_of(row) for row in self._registry.queen_rows()]
        while not done.wait(SAMPLE_INTERVAL_S):
            for client in clients:
                answer = client.get("/health")
                if answer.status == 200:
                    samples.append({key: answer.json[key] for key in ("name", "slots_busy", "slots_total")})
