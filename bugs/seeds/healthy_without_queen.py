"""A hive whose queen is away calls itself well.

Real: REAL_BUGS 20 (a link that falls silent stays "online" for ever), at the hive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from daemons.hive.node import Node

ROLE = "hive"
PATCHES = "daemons.hive.node:Node.degraded"
CAUGHT_BY = ["features/processes/start_up.feature::A hive that cannot reach its queen goes on, and says so once"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Everything but the queen."""

    def degraded(self: Node) -> Iterator[str]:
        return (reason for reason in original(self) if "queen" not in reason)

    return degraded
