"""A worker asks for all of its weights' device memory at once, before it reads the first of them.

Imagined: no scenario that fits sees it; a device that two share is promised to the one that has not loaded yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.model_needs import Needs
from daemons.worker.memory import DeviceMemory

ROLE = "worker"
PATCHES = "daemons.worker.memory:DeviceMemory.load_up_to"
CAUGHT_BY = [
    "features/integration/out_of_memory.feature::A model that needs more of the device than it declares, while it loads"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG001
    """All or nothing."""

    def load_up_to(self: DeviceMemory, part: float, needs: Needs) -> None:
        if part and not self._released and not self.held_bytes:
            self._hold(needs.device_bytes)

    return load_up_to
