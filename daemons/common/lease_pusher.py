"""Pushing a lease to the tier above: what a worker's lease with its hive and a hive's with the queen have in common."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from pydantic import BaseModel

from daemons.common.client import Answer, PeerClient, PeerError
from daemons.common.durations import Durations

_FIRST_RETRY_PART = 10
"""The first retry comes after a tenth of a heartbeat: a peer that restarts is back within a few of these."""


def pause_ms(failures: int, heartbeat_ms: int) -> float:
    """Return the time from one push to the next: a heartbeat, or after failures a retry that doubles up to one."""
    if not failures:
        return heartbeat_ms
    # The exponent is bounded: failures of hours must not make a number of thousands of digits.
    return min(heartbeat_ms, heartbeat_ms / _FIRST_RETRY_PART * 2.0 ** min(failures - 1, 16))


class LeasePusher(ABC):
    """Pushes what `build` returns at each heartbeat, and at once when something changed.

    A burst of changes is one push, and pushes never overlap: an older lease must not arrive after a newer one.
    """

    def __init__(self, client: PeerClient, url: str, durations: Durations, build: Callable[[], BaseModel]) -> None:
        self.failures = 0
        """How many pushes in a row were not accepted."""
        self.up = False
        """Whether the last push was accepted."""
        self.ended = False
        """Whether there is no peer any more."""
        self._client = client
        self._url = url
        self._durations = durations
        self._build = build
        self._changes = 0
        self._pushed = 0
        """How many of the changes the last accepted lease has."""
        self._changed = asyncio.Event()
        self._pushing = asyncio.Lock()

    @abstractmethod
    def _accepted(self, answer: Answer) -> None:
        """Take in the answer to an accepted lease, before `failures` is reset. Raises ValueError when it is invalid."""

    @abstractmethod
    def _missed(self, fault: str, *, gone: bool) -> None:
        """Note that a push failed, `failures` included; `gone`: the peer answered 410."""

    def _timeout_ms(self) -> int:
        """How long the next push may take."""
        return self._durations.probe_timeout_ms

    def changed(self) -> None:
        """Push at once: something changed."""
        self._changes += 1
        self._changed.set()

    async def run(self) -> None:
        """Push until cancelled, or until there is no peer any more."""
        while not self.ended:
            began = time.monotonic()
            await self.push()
            # Pauses count from the beginning of a push: a slow link must not make heartbeats rarer, and a push that
            # hung has waited long enough already, so that a healed link is noticed at once.
            due = began + pause_ms(self.failures, self._durations.heartbeat_ms) / 1000
            if self.failures:
                # While the peer is away changes wait too: the next lease has the complete state anyway.
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - time.monotonic())):
                    await self._wait_for_change()

    async def push(self) -> None:
        """Push the state of this moment, after a push that is under way."""
        async with self._pushing:
            if not self.ended:
                await self._push()

    async def flush(self) -> None:
        """Wait until the peer has every change before this call, at most `connect_ms`; not at all while it is away."""
        wanted = self._changes
        with suppress(TimeoutError):
            async with asyncio.timeout(self._durations.connect_ms / 1000):
                # The push that is under way may have these changes already, or have found the peer away.
                while self.up and self._pushed < wanted:
                    await self.push()

    async def _push(self) -> None:
        changes = self._changes
        try:
            answer = await self._client.call(
                "PUT",
                self._url,
                json_body=self._build().model_dump(mode="json"),
                timeout_ms=self._timeout_ms(),
                connect_ms=self._durations.push_connect_ms,
            )
            if answer.ok:
                self._accepted(answer)
                self.failures, self.up, self._pushed = 0, True, changes
                return
            fault, gone = f"HTTP {answer.status}", answer.status == 410
        except PeerError as error:
            fault, gone = str(error.fault), False
        except ValueError:
            fault, gone = "an invalid answer", False
        self.failures += 1
        self.up = False
        self._missed(fault, gone=gone)

    async def _wait_for_change(self) -> None:
        while self._pushed >= self._changes:
            self._changed.clear()
            await self._changed.wait()
