"""A worker that drains is still routed to, and answers 503 meanwhile.

Real: REAL_BUGS 21 (production-stack #601). A retry hides it from clients as long as there is another worker.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.cluster import Cluster
from daemons.queen.routing import Blocked

ROLE = "queen"
PATCHES = "daemons.queen.cluster:Cluster._worker_blocked"
CAUGHT_BY = ["features/integration/worker_churn.feature::A worker that drains gets no more requests"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Draining is no reason."""

    def _worker_blocked(self: Cluster, worker: Any) -> Any:
        blocked = original(self, worker)
        return None if blocked is Blocked.WORKER_DRAINING else blocked

    return _worker_blocked
