"""Whoever asks for a worker under an id that is in use gets it on another hive: 202, and two have one id.

Real: REAL_BUGS 12 (the predecessor: a duplicate registration overwrites and answers 200). Orders in one instant are
still told apart, and the hive that has the id refuses it: it takes a second hive to see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from daemons.queen.spawning import Spawning

ROLE = "queen"
PATCHES = "daemons.queen.spawning:Spawning._order"
CAUGHT_BY = ["features/integration/worker_churn.feature::The id of a living worker cannot be taken"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """An id of an order on its way is refused, one of a living worker is not."""

    @contextmanager
    def _order(self: Spawning, worker_id: str | None, hive_id: str) -> Iterator[None]:
        if worker_id is None or worker_id in self._reserved:
            with original(self, worker_id, hive_id):
                yield
            return
        self._reserved.add(worker_id)
        try:
            with original(self, None, hive_id):
                yield
        finally:
            self._reserved.discard(worker_id)

    return _order
