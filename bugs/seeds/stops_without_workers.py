"""A hive that is stopped leaves its workers to themselves; they end after the orphan grace.

Real: REAL_BUGS 4 (the predecessor: SIGTERM is not handled, children orphaned).
"""

from __future__ import annotations

from daemons.hive.workers.roster import Roster

ROLE = "hive"
PATCHES = "daemons.hive.workers.roster:Roster.stop_all"
CAUGHT_BY = ["features/integration/recovery.feature::A stopped hive leaves no worker"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Stop nobody."""

    async def stop_all(self: Roster) -> None:
        self._closed = True

    return stop_all
