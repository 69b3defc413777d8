"""A removed hive's next heartbeat registers it again: it was forgotten, and nobody remembers that.

Real: of the kind of REAL_BUGS 19 (what was removed is still routed to). The removal itself looks well.
"""

from __future__ import annotations

from daemons.queen.registry import Registry

ROLE = "queen"
PATCHES = "daemons.queen.registry:Registry._retire"
CAUGHT_BY = ["features/integration/multi_hive.feature::A hive that was removed takes its workers with it"]


def seeded(original: object) -> object:  # noqa: ARG001
    """No memory of instances."""

    def _retire(self: Registry, hive_id: str, instance: str) -> None:
        """Forget it."""

    return _retire
