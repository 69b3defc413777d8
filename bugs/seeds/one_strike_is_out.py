"""One failed probe makes a worker unhealthy: the strikes are not counted.

Imagined. A worker that is slow once, on a busy machine, is taken out.
"""

from __future__ import annotations

from daemons.hive.workers.prober import Strikes

ROLE = "hive"
PATCHES = "daemons.hive.workers.prober:Strikes.note"
CAUGHT_BY = ["features/integration/recovery.feature::A hung worker is not routed to until it answers again"]


def seeded(original: object) -> object:  # noqa: ARG001
    """The answer itself."""

    def note(self: Strikes, *, answered: bool) -> bool:  # noqa: ARG001
        return answered

    return note
