"""A hive gives each request its own default deadline on top of what the hop before it has left.

Real: REAL_BUGS 38 (the predecessor: the deadline grows at a hop). The queen's own clock hides it from her clients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.deadline import Deadline

ROLE = "hive"
PATCHES = "daemons.common.deadline:Deadline.from_header"
CAUGHT_BY = ["features/full_stack/requests.feature::A deadline holds at the hive"]


def seeded(original: Any) -> object:
    """Added, where the smaller one holds."""
    read: Callable[..., Deadline] = original.__func__

    def from_header(cls: type[Deadline], value: str | None, *, default_ms: int, since: float | None = None) -> Deadline:
        found = read(cls, value, default_ms=default_ms, since=since)
        return found if value is None else cls(found.at + default_ms / 1000)

    return classmethod(from_header)
