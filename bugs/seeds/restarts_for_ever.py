"""The restart policy is not looked at: every worker that crashes is started again.

Real: REAL_BUGS 30 (gpustack #4218), for the policy `never`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.restart import Ending, RestartTracker
from daemons.hive.workers.states import RestartWhen

ROLE = "hive"
PATCHES = "daemons.hive.workers.restart:RestartTracker.decide"
CAUGHT_BY = ["features/integration/recovery.feature::The answer that a crash costs says when to come again"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Always."""

    def decide(self: RestartTracker, when: RestartWhen, ending: Ending, *, now_ms: float, jitter: float) -> Any:  # noqa: ARG001
        return original(self, RestartWhen.ALWAYS, ending, now_ms=now_ms, jitter=jitter)

    return decide
