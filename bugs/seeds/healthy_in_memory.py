"""A hive whose catalog lives in memory only, since the disk refuses, does not say so in its health.

Imagined: the log line and the gauge are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from daemons.hive.recovery.mender import Mender

ROLE = "hive"
PATCHES = "daemons.hive.recovery.mender:Mender.degraded"
CAUGHT_BY = [
    "features/integration/database_failure.feature::The catalog is damaged and its folder cannot be written to"
]


def seeded(original: Callable[[Mender], Iterator[str]]) -> Callable[[Mender], Iterator[str]]:
    """Everything but that."""

    def degraded(self: Mender) -> Iterator[str]:
        return (reason for reason in original(self) if "in memory" not in reason)

    return degraded
