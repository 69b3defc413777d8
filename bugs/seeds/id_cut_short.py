"""A worker is looked up by the first characters of its id, as people type it: with many workers another one is found.

Imagined. Lists are right; only a look at each id by itself shows it.
"""

from __future__ import annotations

from typing import Any

from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.worker"
CAUGHT_BY = [
    "features/integration/concurrency.feature::Workers registered at once are all there, distinct, and found by id"
]
TYPED = 5


def seeded(original: object) -> object:  # noqa: ARG001
    """The first that begins alike."""

    def worker(self: Registry, worker_id: str) -> Any:
        alike = [each for each in self.workers() if each.row.id[:TYPED] == worker_id[:TYPED]]
        return alike[0] if alike else None

    return worker
