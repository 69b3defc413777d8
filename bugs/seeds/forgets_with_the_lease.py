"""The rows of a hive's workers are dropped as soon as its lease has run out, while they may well live.

Imagined (the grace left out of a sum). Whoever asks for a worker behind a cut link is told that there is none.
"""

from __future__ import annotations

from daemons.queen.leases import LeaseRules

ROLE = "queen"
PATCHES = "daemons.queen.leases:LeaseRules.stale_after_s"
PARTITION = "features/integration/network_partition.feature"
CAUGHT_BY = [
    f"{PARTITION}::A partition that outlasts the orphan grace costs no worker",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """The lease alone."""

    def stale_after_s(self: LeaseRules) -> float:
        return self.lease_s

    return property(stale_after_s)
