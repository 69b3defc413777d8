"""The gauge of hives by state counts every hive that is registered as available, also one that is given up.

Imagined: lists, events and log are right, the dashboard is green.
"""

from __future__ import annotations

from daemons.common.wire import HiveState
from daemons.queen.queen import Queen

ROLE = "queen"
PATCHES = "daemons.queen.queen:Queen.hives_by_state"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A hive that is cut off is suspected, then given up",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """All of them are well."""

    def hives_by_state(self: Queen) -> dict[str, float]:
        return dict.fromkeys((state.value for state in HiveState), 0) | {
            HiveState.AVAILABLE.value: len(self.state.registry.hives())
        }

    return hives_by_state
