"""Whether, and when, a worker that ended by itself is started again. Pure: no clock, no chance, no process."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from daemons.common.durations import Durations
from daemons.common.wire import WorkerState
from daemons.hive.workers.states import Reason, RestartWhen

CONFIGURATION_STATUS = 2
"""A worker's exit status for a configuration that it refuses."""
MODEL_STATUS = 4
"""A worker's exit status for a model file that is missing or corrupt."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended.

    `exit_status` and `signal` are both None when nobody can know: an adopted worker is not this hive's child,
    and the kernel gives the status to the parent alone.
    """

    exit_status: int | None
    signal: int | None
    announced_draining: bool = False
    """It said that it drains before it ended: an ending in order, when the status is unknown."""
    start_up_timed_out: bool = False
    out_of_memory: bool = False
    """Proved. The same model in the same place would need as much again."""

    def __str__(self) -> str:
        """In words, for people."""
        if self.signal is not None:
            return f"ended by signal {self.signal}"
        return "ended, nobody knows how" if self.exit_status is None else f"exit status {self.exit_status}"

    @property
    def clean(self) -> bool:
        """Whether the worker ended in order."""
        if self.exit_status is None and self.signal is None:
            return self.announced_draining
        return self.exit_status == 0


@dataclass(frozen=True, slots=True)
class RestartAfter:
    """Start it again after so many milliseconds."""

    delay_ms: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Do not start it again: the row rests in this state until a person acts."""

    state: WorkerState
    reason: Reason
    detail: str | None = None


class HowEnded(StrEnum):
    """The closed list of the metric `hive_worker_exits_total{how}`."""

    CLEAN = "clean"
    ERROR = "error"
    SIGNAL = "signal"
    UNKNOWN = "unknown"


def how_ended(ending: Ending) -> HowEnded:
    """Name an ending for the metric: by status, by signal, or not known (an adopted worker)."""
    if ending.signal is not None:
        return HowEnded.SIGNAL
    if ending.exit_status is None:
        return HowEnded.UNKNOWN
    return HowEnded.CLEAN if ending.exit_status == 0 else HowEnded.ERROR


@dataclass(frozen=True, slots=True)
class RestartRules:
    """The numbers of the policy, in milliseconds; defaults live in `daemons.common.durations`."""

    backoff_ms: int
    backoff_cap_ms: int
    breaker_restarts: int
    breaker_window_ms: int

    @classmethod
    def of(cls, durations: Durations) -> RestartRules:
        """The configured numbers."""
        return cls(
            backoff_ms=durations.restart_backoff_ms,
            backoff_cap_ms=durations.restart_backoff_cap_ms,
            breaker_restarts=durations.breaker_restarts,
            breaker_window_ms=durations.breaker_window_ms,
        )


class RestartTracker:
    """Remembers the recent restarts of one worker and decides about the next.

    The delay doubles with each restart that still counts, up to the cap, and is then drawn from its upper half
    (so that workers that died together do not come back together, and none comes back at once). More than
    `breaker_restarts` restarts in `breaker_window_ms` open the breaker: a worker that dies at every start is
    a fault to show, not to repeat for ever. A served inference proves that the worker works and clears the count.
    """

    def __init__(self, rules: RestartRules) -> None:
        self._rules = rules
        self._restarts_at_ms: list[float] = []

    @property
    def counted(self) -> int:
        """How many restarts count at present (those that left the window are dropped at the next decision)."""
        return len(self._restarts_at_ms)

    def clear(self) -> None:
        """Forget the restarts: the worker has served, or a person asked for a new start."""
        self._restarts_at_ms.clear()

    def decide(self, when: RestartWhen, ending: Ending, *, now_ms: float, jitter: float) -> RestartAfter | Rest:
        """What to do about a worker that ended without being asked to.

        `now_ms` is read from a monotonic clock; `jitter` is drawn from [0, 1).
        """
        permanent = _permanent(ending)
        if permanent is not None:
            return Rest(WorkerState.FAILED, permanent)
        if ending.clean and when is not RestartWhen.ALWAYS:
            return Rest(WorkerState.STOPPED, Reason.EXITED)
        if when is RestartWhen.NEVER:
            return Rest(WorkerState.FAILED, Reason.CRASHED)
        return self._again(now_ms, jitter)

    def _again(self, now_ms: float, jitter: float) -> RestartAfter | Rest:
        rules = self._rules
        self._restarts_at_ms = [at for at in self._restarts_at_ms if now_ms - at < rules.breaker_window_ms]
        if len(self._restarts_at_ms) >= rules.breaker_restarts:
            return Rest(WorkerState.FAILED, Reason.RESTART_LIMIT)
        # The exponent is bounded before the power is taken: 2 ** 1000 is no delay.
        doublings = min(len(self._restarts_at_ms), 32)
        full_ms = min(rules.backoff_ms * 2**doublings, rules.backoff_cap_ms)
        self._restarts_at_ms.append(now_ms)
        return RestartAfter(round(full_ms * (0.5 + jitter / 2)))


def _permanent(ending: Ending) -> Reason | None:
    """The reason why trying again cannot help, or None."""
    if ending.out_of_memory:
        return Reason.OUT_OF_MEMORY
    if ending.start_up_timed_out:
        return Reason.START_UP_TIMEOUT
    if ending.exit_status == CONFIGURATION_STATUS:
        return Reason.CONFIGURATION
    if ending.exit_status == MODEL_STATUS:
        return Reason.MODEL_MISSING_OR_CORRUPT
    return None
