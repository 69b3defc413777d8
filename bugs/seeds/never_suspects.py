"""A hive that falls silent is routed to until its lease has run out: nobody is suspected before.

Imagined (a bound set to the wrong one of two durations). It is given up in time.
"""

from __future__ import annotations

from daemons.queen.leases import LeaseRules

ROLE = "queen"
PATCHES = "daemons.queen.leases:LeaseRules.suspect_after_s"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A hive that is cut off is suspected, then given up",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """As long as the lease."""

    def suspect_after_s(self: LeaseRules) -> float:
        return self.lease_s

    return property(suspect_after_s)
