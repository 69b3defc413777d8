"""The queen gives no slot back when a client hangs up: the worker is idle, and she takes it for full.

Real: REAL_BUGS 31 (ray #37943).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.targets import Verdict
from daemons.queen.dispatch import Dispatcher

ROLE = "queen"
PATCHES = "daemons.queen.dispatch:Dispatcher.ended"
CAUGHT_BY = ["features/integration/concurrency.feature::A client that hangs up frees its slot within a second"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Nothing is done about an attempt that was ended from this side."""

    def ended(self: Dispatcher, slot: Any, attempt: Any) -> None:
        if attempt.verdict is not Verdict.ENDED:
            original(self, slot, attempt)

    return ended
