"""Routing does not look at the model that is asked for: whichever worker is free gets the request.

Real: REAL_BUGS 10 (the predecessor). With one model in the cluster nobody sees it.
"""

from __future__ import annotations

from collections.abc import Iterator

from daemons.queen.entries import WorkerEntry
from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry.workers_with"
CAUGHT_BY = ["features/integration/multi_hive.feature::A request goes to the worker that has its model"]


def seeded(original: object) -> object:  # noqa: ARG001
    """All of them."""

    def workers_with(self: Registry, model: str) -> Iterator[WorkerEntry]:  # noqa: ARG001
        return iter(self.workers())

    return workers_with
