"""A worker calls ready as soon as it listens; its model may still be loading, and requests get 503 meanwhile.

Real: REAL_BUGS 8 (the predecessor: ready is announced before the listener is bound), with the other thing that ready
means. Small models load before anybody asks.
"""

from __future__ import annotations

from daemons.common.wire import WorkerState
from daemons.worker.worker import Worker

ROLE = "worker"
PATCHES = "daemons.worker.worker:Worker.state"
CAUGHT_BY = ["features/full_stack/requests.feature::A worker that is routed to has loaded its model"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Listening is ready."""

    def state(self: Worker) -> WorkerState:
        return WorkerState.DRAINING if self.draining else WorkerState.READY

    return property(state)
