"""The worker's lease: the ready call and heartbeat that it pushes to its hive, and what follows when that fails.

A 410 means that the hive has disowned this instance; a hive that stays away for orphan_grace is gone. Either way the
worker drains and ends itself, so that nobody has to find it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from daemons.common.client import PeerClient, PeerError
from daemons.common.durations import Durations
from daemons.common.logs import log
from daemons.common.wire import WorkerLease

_FIRST_RETRY_PART = 10
"""A failed push is repeated after a tenth of a heartbeat, then twice that, up to a heartbeat: a hive that restarts
learns of its workers soon, and one that is gone is not hammered."""
_FAILURES_OF_AN_ORPHAN = 2
"""A worker that was itself stopped (SIGSTOP) for longer than the grace must have tried anew before it gives up."""


class LeaseEnd(StrEnum):
    """Why a worker has no hive any more."""

    DISOWNED = "disowned"
    ORPHANED = "orphaned"


@dataclass(slots=True)
class LeaseClock:
    """When a lease was last renewed, and whether the worker is an orphan. Instants are monotonic seconds."""

    durations: Durations
    renewed_at: float
    failures: int = 0

    def renewed(self, now: float) -> None:
        """The hive took the lease."""
        self.renewed_at = now
        self.failures = 0

    def failed(self, now: float) -> bool:
        """A push failed; True when the hive counts as gone."""
        self.failures += 1
        return (
            self.failures >= _FAILURES_OF_AN_ORPHAN and now - self.renewed_at >= self.durations.orphan_grace_ms / 1000
        )

    def wait_s(self, spent_s: float = 0.0) -> float:
        """How long until the next push; `spent_s` is what the last one took, so that a slow link makes none rarer."""
        pause_s = heartbeat_s = self.durations.heartbeat_ms / 1000
        if self.failures:
            # The exponent is bounded: failures of hours must not make a number of thousands of digits.
            pause_s = min(heartbeat_s, heartbeat_s / _FIRST_RETRY_PART * 2.0 ** min(self.failures - 1, 16))
        return max(0.0, pause_s - spent_s)

    def patience_ms(self, now: float) -> int:
        """How long a push may wait for its answer: not past the grace, so that a silent hive ends it in time.

        A heartbeat at least: the last try is one that a living hive can answer.
        """
        left_ms = self.durations.orphan_grace_ms - (now - self.renewed_at) * 1000
        return int(min(self.durations.probe_timeout_ms, max(self.durations.heartbeat_ms, left_ms)))

    def lapsed(self, now: float) -> bool:
        """Whether the last lease has run out."""
        return now - self.renewed_at > self.durations.lease_ms / 1000


class LeaseKeeper:
    """Pushes the lease each heartbeat and at once on a change.

    Args:
        url: the hive's lease route for this worker.
        peers: the client.
        durations: heartbeat, lease and grace.
        picture: what to push, read anew for each push.
        ended: called once when the worker has no hive any more.
    """

    def __init__(
        self,
        *,
        url: str,
        peers: PeerClient,
        durations: Durations,
        picture: Callable[[], WorkerLease],
        ended: Callable[[LeaseEnd], None],
    ) -> None:
        self.clock = LeaseClock(durations, time.monotonic())
        self.end: LeaseEnd | None = None
        self._url = url
        self._peers = peers
        self._picture = picture
        self._ended = ended
        self._changed = asyncio.Event()
        self._pushing = asyncio.Lock()

    async def run(self) -> None:
        """Push until the worker ends or has no hive any more."""
        while self.end is None:
            self._changed.clear()
            began = time.monotonic()
            await self.push()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.clock.wait_s(time.monotonic() - began)):
                    await self._changed.wait()

    def changed(self) -> None:
        """The worker's state changed: push it now, not at the next heartbeat."""
        self._changed.set()

    async def push(self) -> None:
        """Push the picture of this moment. One at a time: an older one must not arrive after a newer one."""
        async with self._pushing:
            if self.end is not None:
                return
            try:
                answer = await self._peers.call(
                    "PUT",
                    self._url,
                    json_body=self._picture().model_dump(mode="json"),
                    timeout_ms=self.clock.patience_ms(time.monotonic()),
                    connect_ms=self.clock.durations.push_connect_ms,
                )
            except PeerError as error:
                self._failed(str(error))
                return
            if answer.ok:
                if self.clock.failures:
                    log.info("lease_renewed_again", failures=self.clock.failures)
                self.clock.renewed(time.monotonic())
            elif answer.status == 410:
                self._finish(LeaseEnd.DISOWNED)
            else:
                self._failed(f"HTTP {answer.status}")

    def _failed(self, why: str) -> None:
        orphan = self.clock.failed(time.monotonic())
        log.warning("lease_not_renewed", why=why, failures=self.clock.failures)
        if orphan:
            self._finish(LeaseEnd.ORPHANED)

    def _finish(self, end: LeaseEnd) -> None:
        self.end = end
        self._ended(end)
