"""A hive keeps the requests that it has served by a number of its own: a copy that comes late is a new request.

Imagined (a primary key in place of the request's id). Every answer carries the right id.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from daemons.common.deadline import Deadline
from daemons.common.inflight import InFlight, Running

ROLE = "hive"
PATCHES = "daemons.common.inflight:InFlight.track"
PARTITION = "features/integration/network_partition.feature"
CAUGHT_BY = [
    f"{PARTITION}::A request that arrives late is not run twice, when its sender still waits",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """No two are the same."""
    numbers = itertools.count(1)

    def track(self: InFlight, request_id: str, deadline: Deadline) -> AbstractContextManager[Running]:
        tracked: AbstractContextManager[Running] = original(self, f"{request_id}.{next(numbers)}", deadline)
        return tracked

    return track
