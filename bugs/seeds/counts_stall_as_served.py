"""A stream that was ended because no token came is counted as served.

Real: REAL_BUGS 18. Its client is told the truth; the counters are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.inflight import EndReason
from daemons.common.metrics import Outcome

ROLE = "queen"
PATCHES = "daemons.common.inference:outcome_of_end"
CAUGHT_BY = [
    "features/integration/network_partition.feature::The link is cut in the middle of a stream",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """It was answered, was it not."""

    def outcome_of_end(reason: EndReason) -> Outcome:
        return Outcome.SERVED if reason is EndReason.STALLED else Outcome(original(reason))

    return outcome_of_end
