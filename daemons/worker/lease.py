"""The worker's lease with its hive, and the two ways in which a worker loses its hive.

A 410 means that the hive has disowned this instance; a hive that stays away for orphan_grace is gone. Either way the
worker drains and ends itself, so that no process is left over without an owner.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from daemons.common.client import Answer, PeerClient
from daemons.common.durations import Durations
from daemons.common.lease_pusher import LeasePusher
from daemons.common.logs import log
from daemons.common.wire import WorkerLease

_FAILURES_OF_AN_ORPHAN = 2
"""A worker that was itself stopped (SIGSTOP) for longer than the grace must have tried again before it gives up."""


class LeaseEnd(StrEnum):
    """Why a worker has no hive any more."""

    DISOWNED = "disowned"
    ORPHANED = "orphaned"


@dataclass(slots=True)
class LeaseClock:
    """When a lease was last renewed, and whether the worker is an orphan. Instants are monotonic seconds."""

    durations: Durations
    renewed_at: float

    def is_orphan(self, failures: int, now: float) -> bool:
        """Return whether the hive counts as gone, after so many failed pushes in a row."""
        grace_s = self.durations.orphan_grace_ms / 1000
        return failures >= _FAILURES_OF_AN_ORPHAN and now - self.renewed_at >= grace_s

    def timeout_ms(self, now: float) -> int:
        """Return how long a push may take: not past the grace, so that a silent hive ends the worker in time.

        A heartbeat at least: the last push is one that a living hive can answer.
        """
        left_ms = self.durations.orphan_grace_ms - (now - self.renewed_at) * 1000
        return int(min(self.durations.probe_timeout_ms, max(self.durations.heartbeat_ms, left_ms)))

    def expired(self, now: float) -> bool:
        """Return whether the last lease has expired."""
        return now - self.renewed_at > self.durations.lease_ms / 1000


class LeaseKeeper(LeasePusher):
    """Pushes the worker's lease; `lost` is called once, when the worker has no hive any more."""

    def __init__(
        self,
        client: PeerClient,
        url: str,
        durations: Durations,
        build: Callable[[], WorkerLease],
        lost: Callable[[LeaseEnd], None],
    ) -> None:
        super().__init__(client, url, durations, build)
        self.clock = LeaseClock(durations, time.monotonic())
        self._lost = lost

    def _timeout_ms(self) -> int:
        return self.clock.timeout_ms(time.monotonic())

    def _accepted(self, answer: Answer) -> None:  # noqa: ARG002 the hive's answer has nothing that the worker needs
        if self.failures:
            log.info("lease_renewed_again", failures=self.failures)
        self.clock.renewed_at = time.monotonic()

    def _missed(self, fault: str, *, gone: bool) -> None:
        if gone:
            self._end(LeaseEnd.DISOWNED)
            return
        log.warning("lease_not_renewed", why=fault, failures=self.failures)
        if self.clock.is_orphan(self.failures, time.monotonic()):
            self._end(LeaseEnd.ORPHANED)

    def _end(self, end: LeaseEnd) -> None:
        self.ended = True
        self._lost(end)
