"""A hive reserves on the first device whatever others have of it.

Imagined: the ledger is right about each of them, and its sum exceeds the device.
"""

from __future__ import annotations

from daemons.common.ledger import Holder
from daemons.hive.memory.devices import Devices

ROLE = "hive"
PATCHES = "daemons.hive.memory.devices:Devices._reserve"
OUT_OF_MEMORY = "features/integration/out_of_memory.feature"
CAUGHT_BY = [f"{OUT_OF_MEMORY}::Two hives spawn in the same instant on one device, a model that is honest:3b"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Write, and do not look."""

    def _reserve(self: Devices, wanted: Holder) -> str:
        name = min(self._ledgers)
        self._ledgers[name]._change(lambda holders: [*holders, wanted])
        return name

    return _reserve
