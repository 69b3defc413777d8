"""What once did not fit is refused from then on, also when the device has room again.

Imagined, next to REAL_BUGS 27: a failure is remembered and never looked at again.
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
    """Once too large is too large."""

    refused: list[ShortError] = []

    def _reserve(self: Devices, wanted: Holder) -> str:
        for short in refused:
            if wanted.reserved_bytes >= short.shortage.needed_bytes:
                raise short
        try:
            return str(original(self, wanted))
        except ShortError as short:
            refused.append(short)
            raise

    return _reserve
