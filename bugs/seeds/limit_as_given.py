"""A worker that the kernel killed for its limit is said to have had the limit of its start, not the one in force.

Found by reading our own code: limits that nobody changes are told right.
"""

from __future__ import annotations

ROLE = "hive"
PATCHES = "daemons.hive.memory.places:Place.present_limit"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::The limit of a worker is lowered in the middle of an inference"
]


def seeded(original: object) -> object:  # noqa: ARG001
    """As it was given."""

    return property(lambda self: self.limit_bytes)
