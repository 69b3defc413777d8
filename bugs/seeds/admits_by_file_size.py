"""A model is admitted by the size of its tensors, whatever its publisher declares.

Found by reading our own code: every model is admitted, and the device is full later, in the middle of a load.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from daemons.common.model_needs import Needs

ROLE = "hive"
PATCHES = "daemons.hive.memory.places:read_needs"
CAUGHT_BY = ["features/integration/out_of_memory.feature::A model that declares more than the device has is refused"]


def seeded(original: Callable[[Path], Needs | None]) -> Callable[[Path], Needs | None]:
    """What lies in the file."""

    def read_needs(path: Path) -> Needs | None:
        needs = original(path)
        return replace(needs, declared_bytes=needs.tensor_bytes) if needs is not None else None

    return read_needs
