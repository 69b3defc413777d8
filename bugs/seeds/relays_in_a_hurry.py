"""The queen's relay gives a connect to a hive 300 ms: over a slow link nothing is served, while every lease comes.

Imagined (a bound chosen on loopback). Probes and orders have the right bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp

from daemons.common.durations import Durations

ROLE = "queen"
PATCHES = "daemons.common.client:create_session"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A slow link stays available",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """What the session allows is for who names no bound: the relay."""

    def create_session(host: str, durations: Durations) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = original(host, durations.model_copy(update={"connect_ms": 300}))
        return session

    return create_session
