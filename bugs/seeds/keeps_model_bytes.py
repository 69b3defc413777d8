"""A hive keeps the bytes of each model file whose header it has read for a start.

Imagined (a cache without a bound, by instance).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from daemons.common.model_needs import Needs

ROLE = "hive"
PATCHES = "daemons.hive.memory.places:read_needs"
CAUGHT_BY = ["features/integration/out_of_memory.feature::Running out of memory again and again costs the hive nothing"]


def seeded(original: Callable[[Path], Needs | None]) -> Callable[[Path], Needs | None]:
    """For the next time."""

    kept: list[bytes] = []

    def read_needs(path: Path) -> Needs | None:
        kept.append(path.read_bytes())
        return original(path)

    return read_needs
