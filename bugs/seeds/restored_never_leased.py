"""Workers that a restarted queen knows from her database stay unconfirmed, whatever their hives lease.

Real: REAL_BUGS 13, as far as routing goes. Every list is right; nothing is served.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry._row"
CAUGHT_BY = ["features/integration/recovery.feature::A queen that was stopped and started again finds everybody"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Only rows that are new, or were leased before, are leased now."""

    def _row(self: Registry, hive: Any, row: Any, departed: Any) -> Any:
        known = self._workers.get(row.id)
        restored = known is not None and not known.leased and known.provisional_until == 0.0
        changes = original(self, hive, row, departed)
        self._workers[row.id].leased = not restored
        return changes

    return _row
