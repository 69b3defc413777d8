"""Rows that a broken catalog still has are not read from it: all come from memory and the model folder.

Imagined: a running hive has the same models afterwards, and a hive that starts has other times of creation.
"""

from __future__ import annotations

from daemons.hive.recovery.mender import Mender
from daemons.hive.recovery.salvage import Salvage

ROLE = "hive"
PATCHES = "daemons.hive.recovery.mender:Mender._salvage"
CAUGHT_BY = [
    "features/integration/database_failure.feature::The middle page of its table of a hive's catalog is destroyed"
]


def seeded(original: object) -> object:  # noqa: ARG001
    """A broken file has nothing."""

    async def _salvage(self: Mender) -> Salvage:  # noqa: ARG001
        return Salvage()

    return _salvage
