"""A hive lists who once had something of a device, with what it had then.

Imagined, next to REAL_BUGS 22: what is gone is kept in a list. The ledger is right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.wire import DeviceEntry, DeviceUse
from daemons.hive.memory.devices import Devices

ROLE = "hive"
PATCHES = "daemons.hive.memory.devices:Devices._entry"
CAUGHT_BY = ["features/integration/out_of_memory.feature::Running out of memory again and again costs the hive nothing"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """All that were ever seen."""

    seen: dict[str, DeviceUse] = {}

    def _entry(self: Devices, name: str) -> DeviceEntry:
        entry: DeviceEntry = original(self, name)
        seen.update({use.worker_id: use for use in entry.workers})
        return entry.model_copy(update={"workers": list(seen.values())})

    return _entry
