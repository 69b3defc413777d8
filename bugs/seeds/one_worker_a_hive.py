"""Hives take turns, but within a hive it is always the same worker: the turn of workers is never counted.

Imagined, next to REAL_BUGS 11. Every request is answered and the hives' counts are even; only each worker's own count
shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.slots import SlotLedger

ROLE = "queen"
PATCHES = "daemons.queen.slots:SlotLedger.last_used"
CAUGHT_BY = ["features/integration/multi_hive.feature::Requests that follow one another are shared evenly"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG001
    """Nobody was ever used."""

    def last_used(self: SlotLedger, worker_id: str, instance: str) -> int:  # noqa: ARG001
        return 0

    return last_used
