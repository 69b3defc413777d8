"""The queen lists the first ten workers: a page size that nobody asked for.

Imagined. Small clusters never see it; each worker is still found by its id, and routed to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.workers"
CAUGHT_BY = [
    "features/integration/concurrency.feature::Workers registered at once are all there, distinct, and found by id"
]
PAGE = 10


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The first page."""

    def workers(self: Registry) -> Any:
        return original(self)[:PAGE]

    return workers
