"""Whether the catalog is whole is asked on the open connection, which answers from its cache.

Found by reading our own code: the daemon's own connection serves on over a file that nobody else can read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.database import Database

ROLE = "hive"
PATCHES = "daemons.common.database:Database._look"
CAUGHT_BY = ["features/integration/database_failure.feature::The header of a hive's catalog is destroyed"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The connection that is there."""

    def _look(self: Database, read: Callable[..., Any]) -> Any:
        return read(self._connection) if self._connection is not None else original(self, read)

    return _look
