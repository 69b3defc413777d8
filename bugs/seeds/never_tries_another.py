"""A request whose hive has just died is answered 502 at once: no other worker is tried before the first byte.

Imagined (the loss of DESIGN's "before the first byte the queen may retry"). Must be noticed by the first requests after
a hive was killed.
"""

from __future__ import annotations

ROLE = "queen"
PATCHES = "daemons.common.relay:MAX_RETRIES"
CAUGHT_BY = ["features/integration/multi_hive.feature::The other hive takes all when one is killed"]


def seeded(original: int) -> int:  # noqa: ARG001
    """No further try."""
    return 0
