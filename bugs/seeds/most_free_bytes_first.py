"""A worker goes to the device with the most bytes free, not to the one that is least loaded.

Imagined: with devices of one size it is the same.
"""

from __future__ import annotations

from collections.abc import Iterable

from daemons.hive.memory.devices import Load

ROLE = "hive"
PATCHES = "daemons.hive.memory.devices:order"
CAUGHT_BY = ["features/integration/out_of_memory.feature::Each worker goes to the device that is least loaded"]


def seeded(original: object) -> object:  # noqa: ARG001
    """By bytes."""

    def order(loads: Iterable[Load], needed_bytes: int) -> list[str]:
        fitting = [load for load in loads if load.free_bytes >= needed_bytes]
        return [load.name for load in sorted(fitting, key=lambda load: (-load.free_bytes, load.name))]

    return order
