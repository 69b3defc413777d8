"""A lease must be connected within a fifth of a heartbeat: a queen behind a slow link is never reached.

Imagined (a bound chosen on loopback). On a quick link it makes no difference.
"""

from __future__ import annotations

from daemons.common.durations import Durations

ROLE = "hive"
PATCHES = "daemons.common.durations:Durations.push_connect_ms"
CAUGHT_BY = [
    "features/integration/network_partition.feature::A slow link stays available",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """A fifth."""

    def push_connect_ms(self: Durations) -> int:
        return self.heartbeat_ms // 5

    return property(push_connect_ms)
