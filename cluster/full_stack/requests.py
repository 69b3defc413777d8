"""Requests with a bound, or with a mistake, sent to the queen, to a hive or to a worker itself."""

from __future__ import annotations

from beehave.http import Answer, Client
from cluster.clients import Clients
from cluster.cluster import Cluster
from cluster.history import History
from cluster.inference import ANSWER_TIMEOUT_S, CHAT, Inference
from cluster.records import Kind, Sent
from cluster.registry_view import RegistryView

ANOTHER_MODEL = "small:3b"
"""One that the worker of these scenarios does not serve."""


class Requests:
    """Sends them; the history has what came back."""

    def __init__(self, cluster: Cluster, registry: RegistryView, clients: Clients, history: History) -> None:
        self._cluster = cluster
        self._registry = registry
        self._clients = clients
        self._history = history

    def ask_within(self, hop: str, *, max_tokens: int, deadline_ms: int) -> None:
        """Ask one hop for an answer that is not streamed, with a deadline, and wait for whatever comes."""
        body = Inference.body("a question with a deadline", max_tokens=max_tokens)
        headers = {"X-Deadline-Ms": str(deadline_ms)}
        sent = self._history.send(Sent(Kind.REQUEST, self._clients.counts()))
        sent.received = [self._client(hop).post(CHAT, body, headers=headers, timeout_s=ANSWER_TIMEOUT_S)]

    def ask_with_mistakes(self, count: int) -> None:
        """Send wrong requests to the worker by way of its hive, and a right one to the queen after each.

        The wrong ones are for a model that the worker does not have. The right one follows at once, since a worker may
        be marked down for a fifth of a second only.
        """
        row = self._registry.only_row()
        hive = self._cluster.daemon(row["hive_id"]).client
        body = Inference.body("a mistake", max_tokens=1, model=ANOTHER_MODEL)
        mistakes = self._history.send(Sent(Kind.MISTAKE))
        sound = self._history.send(Sent(Kind.REQUEST, self._clients.counts()))
        for number in range(count):
            mistakes.received.append(hive.post(CHAT, body, headers={"X-Worker-Id": row["id"]}))
            sound.received.append(Inference(self._cluster).ask(f"no mistake {number}", max_tokens=1))

    def mistakes_answered(self) -> list[Answer]:
        """Return the answers to the mistakes: to those that a step named so, else to the last requests."""
        return self._history.answers(self._history.first_kind(Kind.MISTAKE, Kind.REQUEST))

    def _client(self, hop: str) -> Client:
        if hop == "worker":
            return self._registry.client_of(self._registry.only_row())
        return self._cluster.queen.client if hop == "queen" else self._cluster.first_hive.client
