"""A queen whose database could not be opened at her start never tries again.

Real: REAL_BUGS 27 (litellm #38121).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from daemons.queen.store import RegistryStore

ROLE = "queen"
PATCHES = "daemons.queen.store:RegistryStore._reopen"
CAUGHT_BY = ["features/integration/database_failure.feature::The queen's database is read-only"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Once failed, always failed."""

    async def _reopen(self: RegistryStore) -> None:
        if not self._read:
            raise sqlite3.OperationalError("unable to open database file")
        await original(self)

    return _reopen
