"""A scenario is skipped for what it needs, and nobody learns why that is not there.

Imagined: the probe's own words are dropped on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

ROLE = "harness"
PATCHES = "harness.capabilities:missing"
CAUGHT_BY = [
    "features/harness/capabilities.feature::A machine that forbids nearly everything",
]


def seeded(original: Callable[[Iterable[str]], str | None]) -> Callable[[Iterable[str]], str | None]:
    """The name of the first need."""

    def missing(tags: Iterable[str]) -> str | None:
        reason = original(tags)
        return reason and reason.partition(":")[0]

    return missing
