"""The rows of a hive that was given up are never dropped: its workers stay listed for as long as it stays away.

Real: of the kind of REAL_BUGS 22 (a dead worker is kept).
"""

from __future__ import annotations

import math

from daemons.queen.leases import LeaseRules

ROLE = "queen"
PATCHES = "daemons.queen.leases:LeaseRules.stale_after_s"
PARTITION = "features/integration/network_partition.feature"
CAUGHT_BY = [
    f"{PARTITION}::A partition that outlasts the orphan grace costs no worker",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Nothing is ever stale."""

    def stale_after_s(self: LeaseRules) -> float:  # noqa: ARG001
        return math.inf

    return property(stale_after_s)
