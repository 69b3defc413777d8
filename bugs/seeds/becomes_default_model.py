"""A worker for a model that the catalog lacks is started with one that it has.

Real: REAL_BUGS 14 (the predecessor). Whoever asks for the model that is there sees nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.roster import Roster

ROLE = "hive"
PATCHES = "daemons.hive.workers.roster:Roster.spawn"
CAUGHT_BY = [
    "features/integration/concurrency.feature::Three want a model that is not there, and it is downloaded once"
]
DEFAULT = "tiny:1b"


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The default in place of what is not here."""

    async def spawn(self: Roster, worker_id: str, asked: Any) -> Any:
        if self._hive.models.path_of(asked.model) is None:
            asked = asked.model_copy(update={"model": DEFAULT})
        return await original(self, worker_id, asked)

    return spawn
