"""A queen whose database SQLite refuses removes it and begins a new one: nobody can get more out of the old.

Imagined: what she lists is whole again with the next leases.
"""

from __future__ import annotations

from daemons.queen.store import RegistryStore

ROLE = "queen"
PATCHES = "daemons.queen.store:RegistryStore._set_aside"
CAUGHT_BY = [
    "features/integration/database_failure.feature::The queen starts over a database whose header is destroyed"
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Away with it."""

    def _set_aside(self: RegistryStore) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._incomplete = True

    return _set_aside
