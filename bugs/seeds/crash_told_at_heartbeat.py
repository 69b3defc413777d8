"""A hive leases at its heartbeats only: what changes in between, a crash too, is told with the next.

Imagined (DESIGN: "leases upward at once"). A heartbeat is half of the second that A9 allows, so the bound does not show
it.
"""

from __future__ import annotations

from daemons.hive.uplink import Uplink

ROLE = "hive"
PATCHES = "daemons.hive.uplink:Uplink.changed"
RECOVERY = "features/integration/recovery.feature"
CAUGHT_BY = [f"{RECOVERY}::A worker's crash is known within a second, and the other worker serves at once"]


def seeded(original: object) -> object:  # noqa: ARG001
    """It can wait."""

    def changed(self: Uplink) -> None:  # noqa: ARG001
        return None

    return changed
