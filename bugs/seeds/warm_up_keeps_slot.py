"""A worker warms up with a request of its own, and never gives its slot back.

Real: of the kind of REAL_BUGS 31 (ray #37943). One slot of four is lost; every request is still served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.worker.worker import Worker

ROLE = "worker"
PATCHES = "daemons.worker.worker:Worker._load"
CAUGHT_BY = [
    "features/integration/concurrency.feature::Workers registered at once are all there, distinct, and found by id"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Load, and take a slot."""

    async def _load(self: Worker) -> None:
        await original(self)
        self.slots._taken.add("warm-up")

    return _load
