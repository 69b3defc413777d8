"""A worker neither gives a slot back nor refuses when none is left: its count only grows.

Real: REAL_BUGS 31 (ray #37943), with 17 (a gauge that grows).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from daemons.worker.slots import Slots

ROLE = "worker"
PATCHES = "daemons.worker.slots:Slots.take"
CONCURRENCY = "features/integration/concurrency.feature"
CAUGHT_BY = [
    f"{CONCURRENCY}::Clients that send in the same instant are all answered, and no slot is taken twice",
    f"{CONCURRENCY}::More requests than slots wait their turn, and none is lost",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Take, and keep."""

    @contextmanager
    def take(self: Slots, request_id: str) -> Iterator[None]:
        self._taken.add(request_id)
        yield

    return take
