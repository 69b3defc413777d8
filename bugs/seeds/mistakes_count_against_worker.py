"""A worker that answers a client's mistake with 4xx is left alone for a while, as if it had failed.

Real: REAL_BUGS 32 (sglang #25811: a client's 400s trip the worker's breaker). It lasts for the cool-down of a refused
connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.targets import Attempt, Target, Verdict
from daemons.hive.inference import WorkerRoute

ROLE = "hive"
PATCHES = "daemons.hive.inference:WorkerRoute.release"
CAUGHT_BY = ["features/full_stack/requests.feature::A client's mistakes do not count against the worker"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Whatever is not served is a failure."""

    def release(self: WorkerRoute, target: Target, attempt: Attempt) -> None:
        supervisor, process = self._taken[target.label]
        original(self, target, attempt)
        if attempt.verdict is Verdict.REFUSED:
            supervisor.mark_down(process)

    return release
