"""The slots in use: by the queen's own requests, and by others on the same workers.

A worker's own count (`slots_busy`) travels upward in its lease and then in its hive's, so it is up to two
heartbeats old when it arrives. Taken as it is, it would count the queen's own finished requests as those
of others until the next lease. So the load of others is what is reported beyond the *most* that this queen had there
within those two heartbeats.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

REPORT_AGE_HEARTBEATS = 2.0
"""How old a reported count may be: worker to hive one heartbeat, hive to queen another."""

Key = tuple[str, str]
"""(worker id, instance): a successor starts at zero."""


class _Usage:
    """One worker's slots in use by this queen, now and at most within a sliding window."""

    __slots__ = ("busy", "foreign", "gone", "last_used", "peaks")

    def __init__(self) -> None:
        self.busy = 0
        self.foreign = 0
        self.last_used = 0
        self.gone = False
        # (moment a level was left, that level), levels strictly falling: the first is the window's peak.
        self.peaks: deque[tuple[float, int]] = deque()

    def lower(self, now: float, horizon: float) -> None:
        while self.peaks and self.peaks[-1][1] <= self.busy:
            self.peaks.pop()
        self.peaks.append((now, self.busy))
        self.busy -= 1
        self._forget_before(horizon)

    def peak(self, horizon: float) -> int:
        self._forget_before(horizon)
        return max(self.busy, self.peaks[0][1] if self.peaks else 0)

    def _forget_before(self, horizon: float) -> None:
        while self.peaks and self.peaks[0][0] < horizon:
            self.peaks.popleft()


class SlotLedger:
    """Slots in use for each worker instance, and when it was last used, in turns of requests."""

    def __init__(self, heartbeat_s: float, clock: Callable[[], float]) -> None:
        """heartbeat_s: the interval of leases; clock: monotonic seconds."""
        self._window_s = REPORT_AGE_HEARTBEATS * heartbeat_s
        self._clock = clock
        self._usage: dict[Key, _Usage] = {}
        self._hive_last_used: dict[str, int] = {}
        self._turn = 0

    def take(self, worker_id: str, instance: str, hive_id: str) -> None:
        """Take a slot for a request of this queen that is about to go to that worker."""
        self._turn += 1
        usage = self._usage.setdefault((worker_id, instance), _Usage())
        usage.busy += 1
        usage.last_used = self._turn
        self._hive_last_used[hive_id] = self._turn

    def give_back(self, worker_id: str, instance: str) -> None:
        """Free the slot of a request that ended. Raises AssertionError when none was taken."""
        usage = self._usage.get((worker_id, instance))
        assert usage is not None, f"slot of {worker_id} given back, never taken"
        assert usage.busy > 0, f"slot of {worker_id} given back twice"
        now = self._clock()
        usage.lower(now, now - self._window_s)
        if usage.gone and usage.busy == 0:
            del self._usage[worker_id, instance]

    def reported(self, worker_id: str, instance: str, slots_busy: int) -> None:
        """Take in how many slots that worker has in use by its lease."""
        usage = self._usage.setdefault((worker_id, instance), _Usage())
        usage.gone = False
        usage.foreign = max(0, slots_busy - usage.peak(self._clock() - self._window_s))

    def forget(self, worker_id: str, instance: str) -> None:
        """Forget a worker that is gone; requests of this queen that still run there are counted until they end."""
        usage = self._usage.get((worker_id, instance))
        if usage is None:
            return
        usage.gone = True
        if usage.busy == 0:
            del self._usage[worker_id, instance]

    def forget_hive(self, hive_id: str) -> None:
        """Forget when a hive that is gone was last used."""
        self._hive_last_used.pop(hive_id, None)

    def own(self, worker_id: str, instance: str) -> int:
        """Return how many requests of this queen run on that worker."""
        usage = self._usage.get((worker_id, instance))
        return usage.busy if usage else 0

    def load(self, worker_id: str, instance: str) -> int:
        """Return the slots in use there, as far as this queen knows: by its own requests and by others."""
        usage = self._usage.get((worker_id, instance))
        return usage.busy + usage.foreign if usage else 0

    def last_used(self, worker_id: str, instance: str) -> int:
        """Return the turn of the last request that went to that worker; 0: never."""
        usage = self._usage.get((worker_id, instance))
        return usage.last_used if usage else 0

    def hive_last_used(self, hive_id: str) -> int:
        """Return the turn of the last request that went to that hive; 0: never."""
        return self._hive_last_used.get(hive_id, 0)
