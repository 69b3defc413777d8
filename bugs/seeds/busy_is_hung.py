"""A worker that generates does not answer probes or lease: both wait for the lock of the engine.

Real: REAL_BUGS 9 (the predecessor).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.worker.lease import LeaseKeeper

ROLE = "worker"
PATCHES = "daemons.worker.lease:LeaseKeeper.push"
CAUGHT_BY = ["features/integration/recovery.feature::A busy worker is never taken for a hung one"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """No lease while a slot is taken."""

    async def push(self: LeaseKeeper) -> None:
        if not self._picture().slots_busy:
            await original(self)

    return push
