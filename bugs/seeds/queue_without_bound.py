"""The queue takes whoever comes: queue_limit is read and never looked at.

Imagined. Everybody is served in the end; only a count of those refused shows it.
"""

from __future__ import annotations

from typing import Any

ROLE = "queen"
PATCHES = "daemons.queen.waiting:WaitingLines.full"
CAUGHT_BY = ["features/integration/concurrency.feature::Beyond the queue's bound the answer says when to come again"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Never full."""

    def full(self: Any) -> bool:  # noqa: ARG001
        return False

    return property(full)
