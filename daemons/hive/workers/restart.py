"""The restart policy for workers that ended by themselves. Pure: clock and jitter are arguments."""

from __future__ import annotations

from dataclasses import dataclass

from daemons.common.durations import Durations
from daemons.common.wire import RestartPolicy, WorkerState
from daemons.hive.ending import Ending
from daemons.hive.states import Reason

CONFIGURATION_STATUS = 2
"""The exit status of a worker that rejects its configuration."""
MODEL_STATUS = 4
"""The exit status of a worker whose model file is missing or corrupt."""


@dataclass(frozen=True, slots=True)
class RestartAfter:
    """Start it again after a delay."""

    delay_ms: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Do not start it again: the row keeps this state until an operator acts."""

    state: WorkerState
    reason: Reason
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class RestartRules:
    """The numbers of the policy; their defaults are in `daemons.common.durations`."""

    backoff_ms: int
    backoff_cap_ms: int
    breaker_restarts: int
    breaker_window_ms: int

    @classmethod
    def of(cls, durations: Durations) -> RestartRules:
        """Return the configured numbers."""
        return cls(
            backoff_ms=durations.restart_backoff_ms,
            backoff_cap_ms=durations.restart_backoff_cap_ms,
            breaker_restarts=durations.breaker_restarts,
            breaker_window_ms=durations.breaker_window_ms,
        )


class RestartTracker:
    """Remembers the recent restarts of one worker and decides about the next.

    The delay doubles with each restart that still counts, up to the cap, and is then drawn from its upper half, so that
    workers that died together do not restart together, and none at once. More than `breaker_restarts` restarts in
    `breaker_window_ms` open the breaker: a worker that dies at every start is shown as failed instead of being
    restarted for ever. A served inference proves that the worker works and clears the count.
    """

    def __init__(self, rules: RestartRules) -> None:
        self._rules = rules
        self._restarts_at_ms: list[float] = []

    def clear(self) -> None:
        """Forget the restarts: the worker has served, or an operator asked for a restart."""
        self._restarts_at_ms.clear()

    def decide(self, when: RestartPolicy, ending: Ending, *, now_ms: float, jitter: float) -> RestartAfter | Rest:
        """Decide about a worker that ended without being asked to.

        `now_ms` is read from a monotonic clock; `jitter` is drawn from [0, 1).
        """
        permanent = _permanent(ending)
        if permanent is not None:
            return Rest(WorkerState.FAILED, permanent)
        if ending.clean and when is not RestartPolicy.ALWAYS:
            return Rest(WorkerState.STOPPED, Reason.EXITED)
        if when is RestartPolicy.NEVER:
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
    """Return the reason why another try cannot help, or None."""
    if ending.out_of_memory:
        return Reason.OUT_OF_MEMORY
    if ending.start_up_timed_out:
        return Reason.START_UP_TIMEOUT
    if ending.exit_status == CONFIGURATION_STATUS:
        return Reason.CONFIGURATION
    if ending.exit_status == MODEL_STATUS:
        return Reason.MODEL_MISSING_OR_CORRUPT
    return None
