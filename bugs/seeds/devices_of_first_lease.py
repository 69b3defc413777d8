"""A hive's leases have its devices as they were at the first of them.

Imagined: the hive's own list is right; the queen places by what was free when the hive started.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import DeviceEntry
from daemons.hive.node import Node

ROLE = "hive"
PATCHES = "daemons.hive.node:Node.picture"
CAUGHT_BY = ["features/integration/out_of_memory.feature::A killed worker gives its memory back"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """As they were."""

    first: list[DeviceEntry] = []

    def picture(self: Node) -> Any:
        lease = original(self)
        first[:] = first or lease.devices
        return lease.model_copy(update={"devices": first})

    return picture
