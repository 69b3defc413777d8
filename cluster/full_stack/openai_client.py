"""The official `openai` client on the queen, with nothing set but its base URL and key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cluster.cluster import DEFAULT_MODEL, Cluster

if TYPE_CHECKING:
    from openai import OpenAI

QUESTION = "what do you see from up there?"


class OpenAIClient:
    """Uses the client as its documentation shows, and remembers what came."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.models: list[str] = []
        self.pieces: list[str] = []
        self._arrivals: list[float] = []

    def list_and_stream(self, *, max_tokens: int) -> None:
        """List the models, then stream a completion."""
        with self._open() as client:
            self.models = [model.id for model in client.models.list()]
            stream = client.chat.completions.create(
                model=DEFAULT_MODEL,
                messages=[{"role": "user", "content": QUESTION}],
                max_tokens=max_tokens,
                stream=True,
            )
            for chunk in stream:
                if text := chunk.choices[0].delta.content:
                    self.pieces.append(text)
                    self._arrivals.append(time.monotonic())

    def listed(self) -> list[str]:
        """Return the models that were listed."""
        self._cluster.journal.observe("openai models", models=self.models)
        return self.models

    def spread_s(self) -> float:
        """Return the time from the first piece to the last, for a `Then`."""
        spread_s = self._arrivals[-1] - self._arrivals[0] if self._arrivals else 0.0
        self._cluster.journal.observe("openai pieces", pieces=len(self._arrivals), spread_s=spread_s)
        return spread_s

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
