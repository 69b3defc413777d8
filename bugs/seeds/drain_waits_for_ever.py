"""A worker's drain has no end: it waits for the last request, however long that takes.

Real: REAL_BUGS 40 (ray #60754: the drain waits for ever on one stuck request). Requests of the usual length end before
anybody looks; the hive kills the worker in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from daemons.common.daemon import Daemon

ROLE = "worker"
PATCHES = "daemons.common.serve:_drain"
CAUGHT_BY = ["features/processes/running.feature::A drain ends in time, whatever still runs"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """No bound."""

    async def _drain(daemon: Daemon, until: float, farewell_s: float) -> None:  # noqa: ARG001
        await original(daemon, math.inf, farewell_s)

    return _drain
