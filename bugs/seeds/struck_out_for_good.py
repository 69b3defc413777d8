"""Strikes are never cleared: a worker that hung once is not routed to until it is restarted.

Real: REAL_BUGS 20, from its other side (a link that falls silent stays so for ever).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.prober import Strikes

ROLE = "hive"
PATCHES = "daemons.hive.workers.prober:Strikes.note"
CAUGHT_BY = ["features/integration/recovery.feature::A hung worker is not routed to until it answers again"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A good answer changes nothing."""

    def note(self: Strikes, *, answered: bool) -> bool:
        return self._count < self._limit if answered else bool(original(self, answered=False))

    return note
