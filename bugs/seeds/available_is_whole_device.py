"""A worker that does not fit is refused with all that its device has, not with what is free of it.

Imagined: the refusal is right, and the figure in it makes nobody the wiser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.ledger import Holder
from daemons.hive.memory.devices import Devices
from daemons.hive.memory.shortage import ShortError

ROLE = "hive"
PATCHES = "daemons.hive.memory.devices:Devices._reserve"
CAUGHT_BY = ["features/integration/out_of_memory.feature::Another program fills the device"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The size of the device."""

    def _reserve(self: Devices, wanted: Holder) -> str:
        try:
            return str(original(self, wanted))
        except ShortError as short:
            whole = self.ledger(str(short.shortage.device)).memory_bytes
            raise ShortError(short.shortage.model_copy(update={"available_bytes": whole}), short.message) from None

    return _reserve
