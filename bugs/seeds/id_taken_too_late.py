"""An id is looked up when a spawn is asked for, and taken only when its worker's row is made: in between others pass.

Real: REAL_BUGS 12 as a race. One spawn after the other is refused rightly. Both tiers guard ids: this is the queen's
part.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from daemons.common.errors import ApiError, ErrorCode
from daemons.queen.spawning import Spawning

ROLE = "queen"
PATCHES = "daemons.queen.spawning:Spawning._order"
CAUGHT_BY = [
    "features/integration/concurrency.feature::Three want one id where each could get it on another hive",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Look, and hold nothing."""

    @contextmanager
    def _order(self: Spawning, worker_id: str | None, hive_id: str) -> Iterator[None]:
        if worker_id is not None and self._state.registry.worker(worker_id) is not None:
            raise ApiError(ErrorCode.WORKER_EXISTS, f"there is a worker {worker_id} already")
        self._on_the_way.append(hive_id)
        try:
            yield
        finally:
            self._on_the_way.remove(hive_id)

    return _order
