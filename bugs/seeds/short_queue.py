"""The queue for a slot holds eight requests, whatever `queue_limit` says.

Imagined. A steady load never fills it; a burst does, and most of it is turned away.
"""

from __future__ import annotations

from daemons.queen.waiting import WaitingLines

ROLE = "queen"
PATCHES = "daemons.queen.waiting:WaitingLines.full"
PERFORMANCE = "features/integration/performance.feature"
CAUGHT_BY = [
    f"{PERFORMANCE}::A generator that was paused itself calls its run inconclusive",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Eight."""

    def full(self: WaitingLines) -> bool:
        return len(self) >= 8

    return property(full)
