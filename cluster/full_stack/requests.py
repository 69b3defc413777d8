"""Requests with a bound, or with a mistake, sent to the queen, to a hive or to a worker itself."""

from __future__ import annotations

import time

from beehave.errors import HarnessError
from beehave.http import Answer, Client
from cluster.clients import Clients
from cluster.cluster import Cluster
from cluster.inference import ANSWER_TIMEOUT_S, CHAT, Inference
from cluster.registry_view import RegistryView

ANOTHER_MODEL = "small:3b"
"""One that the worker of these scenarios does not serve."""


class Requests:
    """Sends them, and remembers what came back."""

    def __init__(self, cluster: Cluster, registry: RegistryView, clients: Clients) -> None:
        self._cluster = cluster
        self._registry = registry
        self._clients = clients
        self._bounded: tuple[Answer, float] | None = None
        self._mistakes: list[Answer] = []

    def ask_within(self, hop: str, *, max_tokens: int, deadline_ms: int) -> None:
        """Ask one hop for an answer that is not streamed, with a deadline, and wait for whatever comes."""
        body = Inference.body("a question with a deadline", max_tokens=max_tokens)
        headers = {"X-Deadline-Ms": str(deadline_ms)}
        sent_at = time.monotonic()
        answer = self._client(hop).post(CHAT, body, headers=headers, timeout_s=ANSWER_TIMEOUT_S)
        self._bounded = (answer, time.monotonic() - sent_at)

    def bounded_answer(self) -> tuple[Answer, float]:
        """Return the answer to the request with a deadline, and the seconds that it took."""
        if self._bounded is None:
            raise HarnessError("no request with a deadline was sent in this scenario")
        answer, took_s = self._bounded
        self._cluster.journal.observe("answer", answer=str(answer), took_s=took_s)
        return answer, took_s

    def ask_with_mistakes(self, count: int) -> None:
        """Ask the worker, by way of its hive, for a model that it does not have; and after each the queen for one that
        it has, at once: what a mistake costs a worker may last for a fifth of a second only."""
        (row,) = self._registry.queen_rows()
        hive = self._cluster.daemon(row["hive_id"]).client
        body = Inference.body("a mistake", max_tokens=1, model=ANOTHER_MODEL)
        self._clients.answers = []
        for number in range(count):
            self._mistakes.append(hive.post(CHAT, body, headers={"X-Worker-Id": row["id"]}))
            self._clients.answers.append(Inference(self._cluster).ask(f"no mistake {number}", max_tokens=1))

    def mistakes_answered(self) -> list[Answer]:
        """Return the answers to the mistakes, for a `Then` to judge."""
        self._cluster.journal.observe("answers", answers=[str(answer) for answer in self._mistakes])
        return self._mistakes

    def _client(self, hop: str) -> Client:
        if hop == "worker":
            (row,) = self._registry.queen_rows()
            return self._registry.client_of(row)
        return self._cluster.queen.client if hop == "queen" else self._cluster.hives[0].client
