"""A client whose answer is waited for in the background."""

from __future__ import annotations

import threading
import uuid

from beehave.http import Answer
from cluster.inference import Inference


class WaitingClient:
    """Sends one request and waits for its answer."""

    def __init__(self, inference: Inference, *, model: str, within_s: float, streaming: bool = False) -> None:
        """within_s: how long the answer may take, from the moment in which a step asks for it."""
        self.request_id = ""
        """Of the request that was sent last."""
        self.answers: list[Answer] = []
        self._inference = inference
        self._model = model
        self._within_s = within_s
        self._streaming = streaming
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def final_answer(self) -> Answer:
        """Return the answer after which nothing more is asked.

        Raises:
            AssertionError: there is none in time.
        """
        self._thread.join(self._within_s)
        assert not self._thread.is_alive(), (
            f"request {self.request_id} still waits after {self._within_s:.1f} s: {self.answers[-1:]}"
        )
        return self.answers[-1]

    def close(self) -> None:
        """Wait a moment for the end; the daemons are ended next, and with them every request."""
        self._thread.join(0.1)

    def _run(self) -> None:
        self._ask()

    def _ask(self) -> Answer:
        self.request_id = f"step-{uuid.uuid4().hex[:12]}"
        headers = {"X-Request-Id": self.request_id}
        answer = self._inference.ask("are you there", model=self._model, streaming=self._streaming, headers=headers)
        self.answers.append(answer)
        return answer


class RetryingClient(WaitingClient):
    """Asks again while the answer is 503, each time after the seconds in `Retry-After`."""

    def __init__(self, inference: Inference, *, model: str, within_s: float) -> None:
        self._given_up = threading.Event()
        super().__init__(inference, model=model, within_s=within_s)

    def close(self) -> None:
        """Give up."""
        self._given_up.set()
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            answer = self._ask()
            if answer.status != 503 or self._given_up.wait(float(answer.headers.get("retry-after", "1"))):
                return
