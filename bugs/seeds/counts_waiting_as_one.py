"""A queen whose database is away says that one write waits, however many do.

Imagined (a flag where a count should be).
"""

from __future__ import annotations

from daemons.queen.store import RegistryStore

ROLE = "queen"
PATCHES = "daemons.queen.store:RegistryStore.waiting"
CAUGHT_BY = ["features/integration/database_failure.feature::The queen's database is locked"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Some or none."""

    def waiting(self: RegistryStore) -> int:
        return min(1, len(self._queue))

    return property(waiting)
