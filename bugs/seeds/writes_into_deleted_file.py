"""A queen does not notice that her database was deleted: what she writes goes into a file without a name.

Found by reading our own code: the open connection takes every write.
"""

from __future__ import annotations

from daemons.queen.store import RegistryStore

ROLE = "queen"
PATCHES = "daemons.queen.store:RegistryStore._check_file"
CAUGHT_BY = ["features/integration/database_failure.feature::The queen's database is deleted under her"]


def seeded(original: object) -> object:  # noqa: ARG001
    """The connection is open."""

    def _check_file(self: RegistryStore) -> None:  # noqa: ARG001
        return None

    return _check_file
