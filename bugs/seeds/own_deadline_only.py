"""The queen does not read X-Deadline-Ms: every request has her default of 30 s.

Imagined, next to REAL_BUGS 38. Where answers come quickly nobody sees it; a cut link shows it.
"""

from __future__ import annotations

from typing import Any

from daemons.common.deadline import Deadline

ROLE = "queen"
PATCHES = "daemons.common.deadline:Deadline.from_header"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A request that is sent into the cut does not hang",
]


def seeded(original: Any) -> object:
    """As if the header were absent."""

    def from_header(cls: type[Deadline], value: str | None, *, default_ms: int, since: float | None = None) -> Deadline:
        deadline: Deadline = original.__func__(cls, None, default_ms=default_ms, since=since)
        assert value is None or deadline.at, "the header is read and not used"
        return deadline

    return classmethod(from_header)
