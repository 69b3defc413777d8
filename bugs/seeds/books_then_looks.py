"""A worker books in the ledger first and looks then whether it fits: for a moment the device is promised twice.

Imagined: the worker that came too late ends as it should, and nothing of it stays.
"""

from __future__ import annotations

import time

from daemons.common.ledger import DeviceFullError, Holder, Ledger, with_holder

ROLE = "worker"
PATCHES = "daemons.common.ledger:Ledger.put"
PROMISED_TWICE_S = 0.1
"""Until it has judged: without it the moment is shorter than what anybody looking can see each time."""
OUT_OF_MEMORY = "features/integration/out_of_memory.feature"
CAUGHT_BY = [f"{OUT_OF_MEMORY}::Two hives spawn in the same instant on one device, a model that is understated:3b"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Write, and then judge."""

    def put(self: Ledger, wanted: Holder) -> None:
        short: list[DeviceFullError] = []

        def book(holders: list[Holder]) -> list[Holder]:
            try:
                return with_holder(holders, wanted, self.memory_bytes)
            except DeviceFullError as full:
                short.append(full)
                return [*(each for each in holders if each.instance != wanted.instance), wanted]

        self._change(book)
        if short:
            time.sleep(PROMISED_TWICE_S)
            raise short[0]

    return put
