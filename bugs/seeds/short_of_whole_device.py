"""The client of a model that ran out of memory is told the size of the device in place of what was free.

Imagined: row, events, metrics and log of that worker are right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import Shortage
from daemons.queen.cluster import Cluster

ROLE = "queen"
PATCHES = "daemons.queen.cluster:Cluster.short_of_memory"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::A model that needs more of the device than it declares, while it loads"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The largest device's size."""

    def short_of_memory(self: Cluster, model: str) -> Shortage | None:
        found: Shortage | None = original(self, model)
        sizes = [device.memory_bytes for hive in self.registry.hives() for device in hive.lease.devices]
        return found.model_copy(update={"available_bytes": max(sizes)}) if found is not None and sizes else found

    return short_of_memory
