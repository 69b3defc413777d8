"""The control group of a worker that has ended is never removed.

Imagined: an empty group costs the kernel memory, and nothing else shows it.
"""

from __future__ import annotations

from daemons.hive.memory.groups import MemoryGroup

ROLE = "hive"
PATCHES = "daemons.hive.memory.groups:MemoryGroup.remove"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::The limit of a worker is lowered in the middle of an inference"
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Say that it is gone."""

    def remove(self: MemoryGroup) -> bool:  # noqa: ARG001
        return True

    return remove
