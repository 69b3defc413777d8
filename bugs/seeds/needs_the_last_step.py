"""A worker that its device refuses says that it needs what its last step came to, not what its whole model does.

Found by reading our own code: whoever frees that much sees the next step fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.ledger import DeviceFullError
from daemons.common.model_needs import Needs
from daemons.worker.memory import CHARGE_STEP_BYTES, DeviceMemory

ROLE = "worker"
PATCHES = "daemons.worker.memory:DeviceMemory.load_up_to"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::A model that needs more of the device than it declares, while it loads"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The step's figure."""

    def load_up_to(self: DeviceMemory, part: float, needs: Needs) -> None:
        try:
            original(self, part, needs)
        except DeviceFullError as full:
            raise DeviceFullError(self.held_bytes + CHARGE_STEP_BYTES, full.available_bytes) from None

    return load_up_to
