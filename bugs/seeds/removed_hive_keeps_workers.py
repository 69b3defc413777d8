"""A hive is removed, and its workers stay in the registry.

Real: REAL_BUGS 19 (the successor: removing a hive leaves its workers routable). Here routing asks for the hive as well,
so that only the list shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.changes import Change, Kind
from daemons.queen.entries import hive_fields
from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.remove_hive"
CAUGHT_BY = ["features/integration/multi_hive.feature::A hive that was removed takes its workers with it"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG001
    """The hive alone."""

    def remove_hive(self: Registry, hive_id: str) -> list[Change] | None:
        hive = self._hives.pop(hive_id, None)
        if hive is None:
            return None
        self._retire(hive_id, hive.instance)
        self._ledger.forget_hive(hive_id)
        return [Change(Kind.HIVE_REMOVED, hive_fields(hive))]

    return remove_hive
