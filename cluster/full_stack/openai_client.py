"""The official `openai` client on the queen, with nothing set but its base URL and key."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beehave.http import Answer
from cluster.clients import Clients
from cluster.cluster import DEFAULT_MODEL, Cluster
from cluster.history import History
from cluster.records import Kind, Sent

if TYPE_CHECKING:
    from openai import OpenAI

QUESTION = "what do you see from up there?"


@dataclass
class OpenAISession:
    """What the client received: the models, and the pieces of a stream with the moments of their arrival."""

    models: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    @property
    def spread_s(self) -> float:
        """The time from the first piece to the last, in seconds."""
        return self.arrivals[-1] - self.arrivals[0] if self.arrivals else 0.0


class OpenAIClient:
    """Uses the client as its documentation shows."""

    def __init__(self, cluster: Cluster, clients: Clients, history: History) -> None:
        self._cluster = cluster
        self._clients = clients
        self._history = history

    def list_and_stream(self, *, max_tokens: int) -> None:
        """List the models, then stream a completion."""
        session = OpenAISession()
        sent = self._history.send(Sent(Kind.REQUEST, self._clients.counts()))
        with self._open() as client:
            session.models = [model.id for model in client.models.list()]
            stream = client.chat.completions.create(
                model=DEFAULT_MODEL,
                messages=[{"role": "user", "content": QUESTION}],
                max_tokens=max_tokens,
                stream=True,
            )
            for chunk in stream:
                if text := chunk.choices[0].delta.content:
                    session.pieces.append(text)
                    session.arrivals.append(time.monotonic())
            response = stream.response
        sent.received = [Answer("POST", str(response.url), response.status_code, dict(response.headers))]
        self._history.keep(session)

    def session(self) -> OpenAISession:
        """Return what the client received.

        Raises:
            HarnessError: no step has used it.
        """
        return self._history.kept(OpenAISession, "used the official OpenAI client")

    def whole_answer(self, *, max_tokens: int) -> str:
        """Ask the same again, not streaming, and return the text."""
        with self._open() as client:
            answer = client.chat.completions.create(
                model=DEFAULT_MODEL, messages=[{"role": "user", "content": QUESTION}], max_tokens=max_tokens
            )
        text = answer.choices[0].message.content or ""
        self._cluster.journal.observe("openai answer", text=text, usage=str(answer.usage))
        return text

    def _open(self) -> OpenAI:
        from openai import OpenAI  # an extra: scenarios that need it say @needs.openai

        return OpenAI(base_url=f"{self._cluster.queen.address.url}/v1", api_key="none", max_retries=0)
