"""No request ever waits: what finds all slots taken is refused, however short the queue is.

Imagined (what the queen did before her queue). Must be noticed where more clients come than there are slots.
"""

from __future__ import annotations

from typing import Any

ROLE = "queen"
PATCHES = "daemons.queen.waiting:WaitingLines.full"
CAUGHT_BY = [
    "features/integration/concurrency.feature::More requests than slots wait their turn, and none is lost",
    "features/integration/concurrency.feature::Beyond the queue's bound the answer says when to come again",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Full from the beginning."""

    def full(self: Any) -> bool:  # noqa: ARG001
        return True

    return property(full)
