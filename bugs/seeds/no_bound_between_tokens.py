"""Between tokens only the deadline bounds a stream: one whose link falls silent hangs.

Real: REAL_BUGS 24 (litellm #40404).
"""

from __future__ import annotations

from daemons.common.inflight import Running

ROLE = "queen"
PATCHES = "daemons.common.inflight:Running.expect_within"
CAUGHT_BY = [
    "features/integration/network_partition.feature::The link is cut in the middle of a stream",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Whatever it is, it may take until the deadline."""

    def expect_within(self: Running, ms: int) -> None:  # noqa: ARG001
        self.expect_by_deadline()

    return expect_within
