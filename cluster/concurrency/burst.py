"""A crowd of streaming clients that send in one instant, and a watch over the slots that they take."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from beehave.errors import HarnessError
from cluster.cluster import Cluster
from cluster.inference import Inference
from cluster.registry_view import RegistryView
from cluster.stream import LiveStream

SAMPLE_INTERVAL_S = 0.01
"""Between two looks at the slots: half a token's pace, so that no taken slot is missed for long."""


def in_one_instant(sent_at: Iterable[float], served_at: Iterable[float | None]) -> bool:
    """Return whether all had sent before the first of them was served whole: else they were never there together.

    Args:
        sent_at: when each client sent, in seconds on one clock.
        served_at: when those that were served whole had their last token; None counts for nothing.
    """
    first = min((at for at in served_at if at is not None), default=None)
    return first is None or max(sent_at) < first


class Crowd:
    """Streams that were begun together."""

    def __init__(self, cluster: Cluster, registry: RegistryView) -> None:
        self._cluster = cluster
        self._registry = registry
        self.streams: list[LiveStream] = []
        self.samples: list[dict[str, Any]] = []
        """What each worker said of its slots, look by look."""

    def send(self, count: int, *, max_tokens: int) -> None:
        """Begin `count` streams at one barrier and wait until they have all ended, watching the slots meanwhile.

        Raises:
            HarnessError: they were not sent in one instant: a stream was whole before the last one was sent.
        """
        inference = Inference(self._cluster)
        barrier = threading.Barrier(count)
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done,), daemon=True)
        watch.start()
        self.streams = [
            inference.stream(f"crowd {number}", max_tokens=max_tokens, start=barrier) for number in range(count)
        ]
        try:
            for stream in self.streams:
                stream.join_when_done(self._cluster.durations.deadline_ms / 1000 + max_tokens)
        finally:
            done.set()
            watch.join(5)
        sent = [stream.sent_at for stream in self.streams]
        spread_ms = round((max(sent) - min(sent)) * 1000, 3)
        self._cluster.journal.record("request", what="crowd", clients=count, sent_within_ms=spread_ms)
        if not in_one_instant(sent, [stream.ended_at for stream in self.streams if stream.done]):
            raise HarnessError(f"{count} clients sent within {spread_ms} ms: one was served before the last had sent")

    def outcomes(self) -> tuple[list[LiveStream], list[LiveStream]]:
        """Return the streams that are whole, and the others."""
        if not self.streams:
            raise HarnessError("no crowd has sent anything in this scenario")
        whole = [stream for stream in self.streams if stream.done and len(stream.tokens) == stream.body["max_tokens"]]
        others = [stream for stream in self.streams if stream not in whole]
        for stream in self.streams:
            stream.observe()
        return whole, others

    def slots_seen(self) -> list[dict[str, Any]]:
        """Return every look at the slots, for a `Then`."""
        most = max((sample["slots_busy"] for sample in self.samples), default=0)
        self._cluster.journal.observe("slots", looks=len(self.samples), most_busy=most)
        return self.samples

    def _watch(self, done: threading.Event) -> None:
        clients = [self._registry.client_of(row) for row in self._registry.queen_rows()]
        while not done.wait(SAMPLE_INTERVAL_S):
            for client in clients:
                answer = client.get("/health")
                if answer.status == 200:
                    self.samples.append({key: answer.json[key] for key in ("name", "slots_busy", "slots_total")})
