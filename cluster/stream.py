"""A streamed completion, read token by token in the background with the time of each arrival."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.http import Answer
from beehave.journal import Journal

STREAM_TIMEOUT = httpx.Timeout(60, connect=5)
"""Seconds without a byte until the reader gives up: ten times the scaled-down bound between two tokens."""

STEP_WAIT_S = 10.0
"""How long a step waits for tokens or for the end of a stream: the longest stream of the scenarios takes half of it."""

PACE_TOKENS = 10
"""How many tokens show the pace of a stream: nine intervals, so that one late token changes it by a ninth."""


@dataclass(frozen=True)
class Token:
    """One piece of text and when it arrived, in seconds on the monotonic clock."""

    text: str
    arrived_at: float


class LiveStream:
    """One streaming request in flight: what has come so far, and how it ended.

    The thread only reads; steps look at it from outside and may do so while tokens arrive.
    """

    def __init__(
        self,
        journal: Journal,
        url: str,
        body: dict[str, Any],
        *,
        start: threading.Barrier | None = None,
    ) -> None:
        self._journal = journal
        self.url = url
        self.body = body | {"stream": True}
        self.request_id = f"step-{uuid.uuid4().hex[:12]}"
        self.status: int | None = None
        self.response_headers: dict[str, str] = {}
        self.tokens: list[Token] = []
        self.errors: list[dict[str, Any]] = []
        self.error_body = ""
        """The body of an answer that is not a stream (status other than 200)."""
        self.done = False
        """Whether `data: [DONE]` came."""
        self.after_end: list[str] = []
        """Anything that came after `[DONE]` or after an error chunk: a broken stream must end there."""
        self.failure: str | None = None
        """How the connection itself broke, when it did."""
        self.sent_at = time.monotonic()
        self.ended_at: float | None = None
        self._hang_up = threading.Event()
        self._start = start
        self._thread = threading.Thread(target=self._read, name=f"stream-{self.request_id}", daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        """Return the tokens so far as one text."""
        return "".join(token.text for token in self.tokens)

    @property
    def whole(self) -> bool:
        """Return whether all tokens that were asked for have come, and `[DONE]`."""
        return self.done and len(self.tokens) == self.body["max_tokens"]

    @property
    def ended(self) -> bool:
        """Return whether nothing more will come."""
        return self.ended_at is not None

    @property
    def expected_end_at(self) -> float:
        """When the last token is due at the pace so far, in seconds on the monotonic clock.

        Raises:
            HarnessError: too few tokens have come to know their pace: with one, the stream would be over at once.
        """
        if len(self.tokens) < PACE_TOKENS:
            raise HarnessError(f"{len(self.tokens)} tokens have come, the pace is known after {PACE_TOKENS}")
        first, last = self.tokens[0], self.tokens[-1]
        pace_s = (last.arrived_at - first.arrived_at) / max(1, len(self.tokens) - 1)
        return last.arrived_at + pace_s * (int(self.body["max_tokens"]) - len(self.tokens))

    def wait_for_tokens(self, count: int, *, within_s: float = STEP_WAIT_S) -> None:
        """Wait until `count` tokens have arrived.

        Raises:
            AssertionError: they did not come in time, or the stream ended before.
        """
        eventually(
            self._journal,
            f"{count} tokens arrive on {self.request_id}",
            self.observe,
            lambda _: len(self.tokens) >= count,
            within_s=within_s,
            impossible=lambda: "the stream has ended" if self.ended and len(self.tokens) < count else None,
        )

    def wait_for_end(self, *, within_s: float = STEP_WAIT_S) -> dict[str, Any]:
        """Wait until the stream has ended, in whatever way, and return what was seen of it."""
        return eventually(
            self._journal,
            f"the stream {self.request_id} ends",
            self.observe,
            lambda _: self.ended,
            within_s=within_s,
        )

    def as_answer(self) -> Answer:
        """Wait for the end and return the stream as one answer; an error chunk is its body."""
        self.wait_for_end()
        text = self.error_body or (json.dumps({"error": self.errors[0]}) if self.errors else self.text)
        return Answer("POST", self.url, self.status, self.response_headers, text, failure=self.failure)

    def observe(self) -> dict[str, Any]:
        """Return, and record as an observation, how things stand."""
        seen = {
            "request_id": self.request_id,
            "status": self.status,
            "tokens": len(self.tokens),
            "done": self.done,
            "errors": list(self.errors),
            "after_end": list(self.after_end),
            "error_body": self.error_body[:500],
            "failure": self.failure,
            "ended": self.ended,
        }
        self._journal.observe("stream", **seen)
        return seen

    def join_when_done(self, timeout_s: float) -> None:
        """Wait for the end, in whatever way, at most `timeout_s`."""
        self._thread.join(timeout_s)

    def hang_up(self) -> None:
        """Close the connection in the middle, as a client that goes away does."""
        self._hang_up.set()

    def join(self, timeout_s: float) -> None:
        """Hang up and wait for the reading thread, for the end of a scenario."""
        self.hang_up()
        self._thread.join(timeout_s)

    def _read(self) -> None:
        try:
            with httpx.Client(
                trust_env=False,
                verify=False,  # noqa: S501 - plain HTTP on loopback; loading certificates costs 30 ms a client
                timeout=STREAM_TIMEOUT,
            ) as client:
                if self._start is not None:
                    self._start.wait()
                self.sent_at = time.monotonic()
                self._receive(client)
        except httpx.HTTPError as error:
            self.failure = f"{type(error).__name__}: {error}"
        finally:
            self.ended_at = time.monotonic()
            self.observe()

    def _receive(self, client: httpx.Client) -> None:
        with client.stream("POST", self.url, json=self.body, headers={"X-Request-Id": self.request_id}) as response:
            self.status = response.status_code
            self.response_headers = dict(response.headers)
            if response.status_code != 200:
                self.error_body = response.read().decode("utf-8", errors="replace")
                return
            for line in response.iter_lines():
                if self._hang_up.is_set():
                    return
                self._take(line)

    def _take(self, line: str) -> None:
        if not line.startswith("data:"):
            return
        data = line.removeprefix("data:").strip()
        if self.done or self.errors:
            self.after_end.append(data)
        elif data == "[DONE]":
            self.done = True
        else:
            chunk = json.loads(data)
            if "error" in chunk:
                self.errors.append(chunk["error"])
            elif text := _text_of(chunk):
                self.tokens.append(Token(text, time.monotonic()))


def _text_of(chunk: dict[str, Any]) -> str:
    """Return the text that an OpenAI chunk adds, of a chat or of a plain completion; some chunks add none."""
    return "".join(
        (choice["delta"].get("content") if "delta" in choice else choice.get("text")) or ""
        for choice in chunk.get("choices", [])
    )
