"""A hive tells the queen the PID of its parent, the wrapper that an init system knows, and not its own.

Imagined. The queen's cascade waits for the wrong process; must be noticed where a hive's row has to be its process.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from daemons.hive.node import Node

ROLE = "hive"
PATCHES = "daemons.hive.node:Node.picture"
CAUGHT_BY = ["features/integration/multi_hive.feature::Three hives register in the same instant"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The picture with the parent's PID."""

    def picture(self: Node) -> Any:
        return original(self).model_copy(update={"pid": os.getppid()})

    return picture
