"""The clients of one scenario: what they asked, what they got, and who served it by the daemons' own counts."""

from __future__ import annotations

import threading
import uuid

from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.http import Answer
from cluster.cluster import TOKEN_INTERVAL_MS, Cluster
from cluster.inference import Inference
from cluster.registry_view import RegistryView, Row
from cluster.stream import LiveStream

STREAM_JOIN_S = 2.0
"""How long an abandoned stream's thread may take to see that it was hung up: one token's pace and a little."""

STREAM_PROMPT = "tell a long story"


class Clients:
    """Asks for completions and remembers the answers of the last `When`."""

    def __init__(self, cluster: Cluster, registry: RegistryView) -> None:
        self._cluster = cluster
        self._registry = registry
        self._inference = Inference(cluster)
        self._streams: list[LiveStream] = []
        self._served_before: dict[str, float] = {}
        self._rejected_before: dict[str, float] = {}
        self._waiting: PendingAnswer | None = None
        self.answers: list[Answer] = []
        """The answers to the requests of the last `When`."""

    def ask(self, count: int, *, at_once: bool) -> None:
        """Send `count` requests to the queen, in one instant or each after the answer to the one before."""
        self._served_before = self._hive_counts("served")
        self._rejected_before = self._hive_counts("rejected")
        if at_once:
            self.answers = self._inference.ask_at_once(count)
        else:
            self.answers = [self._inference.ask(f"question {number}") for number in range(count)]

    def ask_for_model(self, count: int, *, model: str) -> None:
        """Send `count` requests for one model to the queen, each after the answer to the one before."""
        self.answers = [self._inference.ask(f"question {number}", model=model) for number in range(count)]

    def answers_observed(self) -> list[Answer]:
        """Return the answers of the last `When`, for a `Then` to judge."""
        self._cluster.journal.observe("answers", answers=[str(answer) for answer in self.answers])
        return self.answers

    def served_by_hives(self) -> dict[str, float]:
        """Return how many requests each hive served since the last `ask`, by its own counter."""
        counts = self._hive_counts("served")
        return {name: count - self._served_before.get(name, 0) for name, count in counts.items()}

    def rejected_by_hives(self) -> dict[str, float]:
        """Return how many requests each hive has refused since the last `ask`, by its own counter."""
        counts = self._hive_counts("rejected")
        return {name: count - self._rejected_before.get(name, 0) for name, count in counts.items()}

    def served_by_workers(self) -> dict[str, float]:
        """Return how many requests each worker has served since its process began, by its own counter."""
        return {
            row["id"]: self._inference.counter_at(
                self._registry.client_of(row), "worker_requests_total", outcome="served"
            )
            for row in self._registry.queen_rows()
        }

    @property
    def stream(self) -> LiveStream:
        """The stream that was begun last.

        Raises:
            HarnessError: no step has begun one.
        """
        if not self._streams:
            raise HarnessError("no stream was begun in this scenario")
        return self._streams[-1]

    def begin_stream(self, *, max_tokens: int) -> LiveStream:
        """Begin a streaming request."""
        self._streams.append(self._inference.stream(STREAM_PROMPT, max_tokens=max_tokens))
        return self.stream

    def begin_stream_of(self, seconds: float) -> LiveStream:
        """Begin a streaming request that takes at least so long at the workers' pace."""
        return self.begin_stream(max_tokens=round(seconds * 1000 / TOKEN_INTERVAL_MS))

    def repeat_whole(self) -> list[str]:
        """Ask again for what the last stream was to give, and return all of its tokens.

        Raises:
            AssertionError: the repeated stream did not end with `[DONE]`.
        """
        first = self.stream
        self._streams.append(self._inference.stream(STREAM_PROMPT, max_tokens=first.body["max_tokens"]))
        repeated = self._streams.pop()
        seen = repeated.wait_for_end(within_s=first.body["max_tokens"])
        assert repeated.done, f"the repeated stream is not whole: {seen}"
        return [token.text for token in repeated.tokens]

    def serving_row(self) -> Row:
        """Return the row of the worker that makes the last stream's tokens, by the answer's own header; without a
        stream, of the only worker."""
        rows = self._registry.queen_rows()
        if self._streams:
            serving = self.stream.response_headers.get("x-worker-id")
            rows = [row for row in rows if row["id"] == serving]
        if len(rows) != 1:
            raise HarnessError(f"it is not clear which worker serves the client: {rows}")
        return rows[0]

    def begin_waiting(self, *, streaming: bool) -> None:
        """Send a request that will have to wait, and return once a hive has it."""
        self._waiting = PendingAnswer(self._inference, streaming=streaming)
        eventually(
            self._cluster.journal,
            f"the request {self._waiting.request_id} is under way at a hive",
            lambda: [hive.client.get("/health").json["requests_running"] for hive in self._cluster.hives],
            lambda in_flight: sum(in_flight) == 1,
            within_s=5,
        )

    def waiting_answer(self, *, within_s: float) -> tuple[str, Answer]:
        """Return the id of the waiting request and the answer that it got in the end.

        Raises:
            AssertionError: it still has none after `within_s`.
        """
        if self._waiting is None:
            raise HarnessError("no request was left waiting in this scenario")
        request_id, answer = self._waiting.request_id, self._waiting.wait(within_s)
        self._cluster.journal.observe("answer of the waiting request", request_id=request_id, answer=str(answer))
        return request_id, answer

    def hang_up(self) -> None:
        """End every stream that still runs."""
        for stream in self._streams:
            stream.join(STREAM_JOIN_S)

    def _hive_counts(self, outcome: str) -> dict[str, float]:
        return {
            hive.name: self._inference.counter(hive, "hive_requests_total", outcome=outcome)
            for hive in self._cluster.hives
            if hive.process.alive()
        }


class PendingAnswer:
    """One request whose answer is waited for in the background."""

    def __init__(self, inference: Inference, *, streaming: bool) -> None:
        self.request_id = f"step-{uuid.uuid4().hex[:12]}"
        self._inference = inference
        self._streaming = streaming
        self._answer: Answer | None = None
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def wait(self, within_s: float) -> Answer:
        """Return the answer; AssertionError when there is none after `within_s`."""
        self._thread.join(within_s)
        assert self._answer is not None, f"request {self.request_id} still hangs after {within_s:.1f} s"
        return self._answer

    def _ask(self) -> None:
        self._answer = self._inference.ask(
            STREAM_PROMPT, streaming=self._streaming, headers={"X-Request-Id": self.request_id}
        )
