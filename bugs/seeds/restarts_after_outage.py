"""A hive that reaches its queen again restarts its workers, for a fresh start.

Imagined, next to REAL_BUGS 13. What they were doing is lost, though only the link above them was cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.uplink import Uplink

ROLE = "hive"
PATCHES = "daemons.hive.uplink:Uplink._taken"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A hive that was cut off comes back as it was",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """A restart for each outage."""

    def _taken(self: Uplink, answer: Any, asked: int) -> None:
        was_away = self.fault is not None and self._queen_instance is not None
        original(self, answer, asked)
        if was_away:
            for supervisor in self._picture.__self__.roster:  # type: ignore[attr-defined]
                supervisor.ask_restart()

    return _taken
