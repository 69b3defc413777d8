"""A worker that its device refuses waits for a while whether it is freed, and keeps what it has meanwhile.

Imagined: two that do so wait for each other, with the device full.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from daemons.common.ledger import DeviceFullError
from daemons.common.model_needs import Needs
from daemons.worker.memory import DeviceMemory

ROLE = "worker"
PATCHES = "daemons.worker.memory:DeviceMemory.load_up_to"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::A model that needs more of the device than it declares, while it loads"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Once more, a second and a half later."""

    def load_up_to(self: DeviceMemory, part: float, needs: Needs) -> None:
        try:
            original(self, part, needs)
        except DeviceFullError:
            threading.Event().wait(1.5)  # this is the load's own thread
            original(self, part, needs)

    return load_up_to
