"""A worker counts a served inference twice: when its last token is sent, and when its slot is given back.

Imagined, next to REAL_BUGS 17. Must be noticed where workers' own counts have to add up to what was asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.metrics import Metrics, Outcome

ROLE = "worker"
PATCHES = "daemons.common.metrics:Metrics.ended"
OPENAI_CLIENT = "features/full_stack/openai_client.feature"
CONCURRENCY = "features/integration/concurrency.feature"
WORKER_RESTART_DURING_INFERENCE = "features/integration/worker_restart_during_inference.feature"
CAUGHT_BY = [
    f"{CONCURRENCY}::Clients that send in the same instant are all answered, and no slot is taken twice",
    f"{CONCURRENCY}::Beyond the queue's bound the answer says when to come again",
    f"{WORKER_RESTART_DURING_INFERENCE}::The restarted worker serves again after it was killed",
    f"{OPENAI_CLIENT}::Listing models and streaming a completion",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Once more for what was served."""

    def ended(self: Metrics, outcome: Outcome, seconds: float) -> None:
        original(self, outcome, seconds)
        if outcome is Outcome.SERVED:
            original(self, outcome, seconds)

    return ended
