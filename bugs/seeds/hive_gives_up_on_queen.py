"""A hive that has lost its queen once never leases again: it believes itself registered.

Real: REAL_BUGS 13 (after a queen restart nobody registers again). The new queen reads her database and asks the hive,
so that all looks well, for one lease time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.uplink import Uplink

ROLE = "hive"
PATCHES = "daemons.hive.uplink:Uplink.push"
CAUGHT_BY = [
    "features/integration/recovery.feature::A queen that was stopped and started again finds everybody",
    "features/integration/recovery.feature::A queen that was killed and started again finds everybody",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """One fault is for ever."""

    async def push(self: Uplink) -> bool:
        if self.fault is not None:
            return False
        return bool(await original(self))

    return push
