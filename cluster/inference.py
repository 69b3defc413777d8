"""Asking the cluster for completions, as its clients do, and reading the daemons' own counters."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from beehave import Daemon
from beehave.at_once import all_at_once
from beehave.http import Answer, Client
from cluster.cluster import DEFAULT_MODEL, Cluster
from cluster.stream import LiveStream

CHAT = "/v1/chat/completions"
ANSWER_TIMEOUT_S = 60.0
"""Twice the default deadline: a request that hangs is to be seen as one, not cut by its client."""


class Inference:
    """The inference-related actions and observations of the steps."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @staticmethod
    def body(prompt: str, *, max_tokens: int, model: str = DEFAULT_MODEL) -> dict[str, Any]:
        """Return the body of a chat completion; the same body gives the same tokens."""
        return {
            "model": model,
            "max_tokens": max_tokens,
            "seed": 7,
            "messages": [{"role": "user", "content": prompt}],
        }

    def ask(
        self,
        prompt: str,
        *,
        max_tokens: int = 4,
        model: str = DEFAULT_MODEL,
        streaming: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request to the queen and wait for the whole answer."""
        body = self.body(prompt, max_tokens=max_tokens, model=model) | {"stream": streaming}
        return self._cluster.queen.client.post(CHAT, body, headers=headers, timeout_s=ANSWER_TIMEOUT_S)

    def ask_at_once(self, count: int, *, model: str = DEFAULT_MODEL) -> list[Answer]:
        """Send `count` different requests to the queen in one instant."""
        return all_at_once(
            self._cluster.journal,
            f"{count} requests",
            [partial(self.ask, f"question {number}", model=model) for number in range(count)],
        )

    def stream(
        self,
        prompt: str,
        *,
        max_tokens: int,
        model: str = DEFAULT_MODEL,
        start: threading.Barrier | None = None,
    ) -> LiveStream:
        """Begin a streaming request to the queen, together with others when they share a barrier."""
        return LiveStream(
            self._cluster.journal,
            f"{self._cluster.queen.address.url}{CHAT}",
            self.body(prompt, max_tokens=max_tokens, model=model),
            start=start,
        )

    def counter(self, daemon: Daemon, name: str, **labels: str) -> float:
        """Return one of a daemon's own counters, 0 when it has not counted anything of that kind yet."""
        return self.counter_at(daemon.client, name, **labels)

    @staticmethod
    def counter_at(client: Client, name: str, **labels: str) -> float:
        """Return a counter, summed over all series that carry these labels."""
        return Inference.counted(client.get("/metrics").expect(200), name, **labels)

    @staticmethod
    def counted(metrics: Answer, name: str, **labels: str) -> float:
        """Return a counter of an answer to `/metrics`, 0 when nothing was answered."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(metrics.text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )
