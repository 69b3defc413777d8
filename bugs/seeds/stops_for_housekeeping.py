"""Every hundredth request the queen tidies up for six tenths of a second, and serves nobody meanwhile.

Imagined (a blocking call on the event loop: a log that is rotated, a table that is vacuumed). A client that asks one
by one meets it once in a hundred times; on a schedule it hits whoever came meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

from daemons.common.targets import Attempt
from daemons.queen.dispatch import Dispatcher, Slot

ROLE = "queen"
PATCHES = "daemons.queen.dispatch:Dispatcher.ended"
CAUGHT_BY = [
    "features/integration/performance.feature::A thousand requests on a constant schedule over 10 seconds",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Not awaited, but slept."""
    numbers = count(1)

    def ended(self: Dispatcher, slot: Slot, attempt: Attempt) -> None:
        original(self, slot, attempt)
        if next(numbers) % 100 == 0:
            time.sleep(0.6)

    return ended
