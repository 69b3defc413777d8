"""Whoever asks for a worker under an id that is in use gets it: 202, and the row is another worker's from then on.

Real: REAL_BUGS 12 (the predecessor). The queen's own look at ids is what is missing; the hive still refuses what it
has.

Not to be seen from outside: the queen refuses an id that is in use before the hive is asked (id_taken_too_late is
its counterpart there).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.roster import Roster

ROLE = "hive"
PATCHES = "daemons.hive.workers.roster:Roster.reserve"
CAUGHT_BY: list[str] = []
FAMILY = "A2"


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Take it without a look."""

    def reserve(self: Roster, worker_id: str | None) -> str:
        if worker_id is not None:
            self._reserved.add(worker_id)
            return worker_id
        return str(original(self, worker_id))

    return reserve
