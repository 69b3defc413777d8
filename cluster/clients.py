"""The clients of one scenario: what they ask for, and who served it by the daemons' own counts."""

from __future__ import annotations

import threading
from typing import Any

from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.http import Answer, Client
from cluster.cluster import DEFAULT_MODEL, TOKEN_INTERVAL_MS, Cluster
from cluster.history import History
from cluster.inference import Inference
from cluster.records import Counts, Kind, Sent
from cluster.registry_view import RegistryView, Row, WorkerIdentity
from cluster.stream import LiveStream
from cluster.waiting_client import RetryingClient, WaitingClient

STREAM_JOIN_S = 2.0
"""How long an abandoned stream's thread may take to see that it was hung up: one token's pace and a little."""

STREAM_PROMPT = "tell a long story"
COUNT_TIMEOUT_S = 2.0
"""A frozen daemon does not answer; it is then left out of the counts before a request."""


class Clients:
    """Asks for completions; the history has the answers."""

    def __init__(self, cluster: Cluster, registry: RegistryView, history: History) -> None:
        self._cluster = cluster
        self._registry = registry
        self._history = history
        self._inference = Inference(cluster)

    # What they send.

    def ask(self, count: int, *, at_once: bool, model: str = DEFAULT_MODEL) -> None:
        """Send `count` requests to the queen, in one instant or each after the answer to the one before."""
        sent = self._history.send(Sent(Kind.REQUEST, self.counts()))
        if at_once:
            sent.received = self._inference.ask_at_once(count, model=model)
        else:
            sent.received = [self._inference.ask(f"question {number}", model=model) for number in range(count)]

    def begin_stream(self, *, max_tokens: int, model: str = DEFAULT_MODEL) -> LiveStream:
        """Begin a streaming request."""
        sent = self._history.send(Sent(Kind.REQUEST, self.counts()))
        stream = self._inference.stream(STREAM_PROMPT, max_tokens=max_tokens, model=model)
        sent.streams.append(stream)
        return stream

    def begin_stream_of(self, seconds: float) -> LiveStream:
        """Begin a streaming request that takes at least so long at the workers' pace."""
        return self.begin_stream(max_tokens=round(seconds * 1000 / TOKEN_INTERVAL_MS))

    def repeat_whole(self) -> list[str]:
        """Ask again for what the last stream was to give, and return all of its tokens.

        Raises:
            AssertionError: the repeated stream did not end with `[DONE]`.
        """
        first = self._history.stream.body
        repeated = self._inference.stream(STREAM_PROMPT, max_tokens=first["max_tokens"], model=first["model"])
        try:
            seen = repeated.wait_for_end(within_s=first["max_tokens"])
        finally:
            repeated.hang_up()
        assert repeated.done, f"the repeated stream is not whole: {seen}"
        return [token.text for token in repeated.tokens]

    def wait_at_worker(self, *, streaming: bool) -> None:
        """Send a request that will have to wait, and return once a hive has it."""
        client = self._wait(WaitingClient(self._inference, **self._waiting_options, streaming=streaming))
        eventually(
            self._cluster.journal,
            f"the request {client.request_id} is under way at a hive",
            lambda: [hive.client.get("/health").json["requests_running"] for hive in self._cluster.hives],
            lambda in_flight: sum(in_flight) == 1,
            within_s=5,
        )

    def wait_in_queue(self, model: str) -> None:
        """Ask for a model whose slots are taken; returns when the request is in the queen's queue."""
        self._wait(RetryingClient(self._inference, **(self._waiting_options | {"model": model})))
        eventually(
            self._cluster.journal,
            "the request waits at the queen",
            lambda: self._inference.counter(self._cluster.queen, "queen_requests_waiting"),
            lambda waiting: waiting == 1,
            within_s=5,
        )

    def keep_asking(self, model: str) -> None:
        """Ask for a model as often as the answer is 503; returns when it was so once."""
        client = self._wait(RetryingClient(self._inference, **(self._waiting_options | {"model": model})))
        eventually(
            self._cluster.journal,
            "the first answer is 503",
            lambda: [answer.status for answer in client.answers],
            lambda statuses: statuses[:1] == [503],
            within_s=5,
        )

    def close(self) -> None:
        """End every stream and every waiting client."""
        for client in self._history.every_waiting_client():
            client.close()
        for stream in self._history.every_stream():
            stream.join(STREAM_JOIN_S)

    # What is seen of it.

    def serving_row(self) -> Row:
        """Return the row of the worker that serves the last stream, by the answer's header.

        Without a stream it is the row of the only worker.
        """
        rows = self._registry.queen_rows()
        if self._history.every_stream():
            serving = self._history.stream.response_headers.get("x-worker-id")
            rows = [row for row in rows if row["id"] == serving]
        if len(rows) != 1:
            raise HarnessError(f"it is not clear which worker serves the client: {rows}")
        return rows[0]

    def counts(self) -> Counts:
        """Return the counts of the daemons that answer."""
        queen = self._cluster.queen.client.get("/v1/workers", timeout_s=COUNT_TIMEOUT_S)
        rows = queen.json["workers"] if queen.status == 200 else []
        hives = {hive.name: self._metrics(hive.client) for hive in self._cluster.hives if hive.process.alive()}
        workers = {
            WorkerIdentity.of_row(row): self._metrics(self._registry.client_of(row)) for row in rows if row["routable"]
        }
        counted = Inference.counted
        return Counts(
            {name: counted(metrics, "hive_requests_total", outcome="served") for name, metrics in hives.items()},
            {name: counted(metrics, "hive_requests_total", outcome="rejected") for name, metrics in hives.items()},
            {who: counted(metrics, "worker_requests_total", outcome="served") for who, metrics in workers.items()},
        )

    def served_by_hives(self) -> dict[str, float]:
        """Return how many of the last requests each hive has served, by its own counter."""
        before = self._history.requests().before.served_by_hives
        return {name: count - before.get(name, 0) for name, count in self._hive_counts("served").items()}

    def rejected_by_hives(self) -> dict[str, float]:
        """Return how many of the last requests each hive has refused, by its own counter."""
        before = self._history.requests().before.rejected_by_hives
        return {name: count - before.get(name, 0) for name, count in self._hive_counts("rejected").items()}

    def served_by_workers(self) -> dict[str, float]:
        """Return how many of the last requests each worker has served, by its own counter."""
        before = self._history.requests().before.served_by_workers
        return {
            row["id"]: self._inference.counter_at(
                self._registry.client_of(row), "worker_requests_total", outcome="served"
            )
            - before.get(WorkerIdentity.of_row(row), 0)
            for row in self._registry.queen_rows()
        }

    def served_by_workers_in_all(self, count: int) -> dict[str, float]:
        """Return how many of the last requests each worker has served, once they are `count` in all.

        A worker counts when it has written its answer, so a moment after the client may have read it.
        """
        return eventually(
            self._cluster.journal,
            f"the workers count {count} requests",
            self.served_by_workers,
            lambda counts: sum(counts.values()) >= count,
            within_s=self._cluster.durations.heartbeat_ms / 1000,
        )

    def token_counts(self, *, looks: int) -> list[float]:
        """Return the tokens that the first worker has made, looked at several times, ten tokens' time apart."""
        client = self._registry.client_of(self._registry.first_row())
        counts = []
        for _ in range(looks):
            counts.append(Inference.counter_at(client, "worker_tokens_total"))
            threading.Event().wait(10 * TOKEN_INTERVAL_MS / 1000)
        return counts

    @property
    def _waiting_options(self) -> dict[str, Any]:
        return {"model": DEFAULT_MODEL, "within_s": self._cluster.durations.deadline_ms / 1000}

    def _wait(self, client: WaitingClient) -> WaitingClient:
        self._history.send(Sent(Kind.REQUEST, waiting=client))
        return client

    def _hive_counts(self, outcome: str) -> dict[str, float]:
        return {
            hive.name: self._inference.counter(hive, "hive_requests_total", outcome=outcome)
            for hive in self._cluster.hives
            if hive.process.alive()
        }

    @staticmethod
    def _metrics(client: Client) -> Answer:
        return client.get("/metrics", timeout_s=COUNT_TIMEOUT_S)
