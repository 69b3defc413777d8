"""Routing never looks at slots or turns: everything lands on the first worker that is free.

Real: REAL_BUGS 11 (the predecessor). Must be noticed where the hives' own counts have to be even.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from daemons.queen.routing import Candidate

ROLE = "queen"
PATCHES = "daemons.queen.cluster:choose"
CAUGHT_BY = [
    "features/integration/multi_hive.feature::Requests that follow one another are shared evenly",
    "features/integration/multi_hive.feature::Requests that come at once are shared evenly",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The first free worker by id, whoever was used last; refusals are as they were."""

    def choose(candidates: Iterable[Candidate], *, model_known: bool = True, avoid: Collection[str] = ()) -> Any:
        everyone = sorted(candidates, key=lambda each: each.worker_id)
        free = [each for each in everyone if each.free and each.worker_id not in avoid]
        return free[0] if free else original(everyone, model_known=model_known, avoid=avoid)

    return choose
