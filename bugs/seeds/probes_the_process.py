"""A probe asks whether the process is there, not whether it answers: a hung worker is well.

Real: of the kind of REAL_BUGS 15 and 20. Its lease runs out, so that it is not routed to; but nobody says why.
"""

from __future__ import annotations

from daemons.hive.workers.prober import Strikes

ROLE = "hive"
PATCHES = "daemons.hive.workers.prober:Strikes.note"
CAUGHT_BY = ["features/integration/recovery.feature::A hung worker is not routed to until it answers again"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Always well."""

    def note(self: Strikes, *, answered: bool) -> bool:  # noqa: ARG001
        return True

    return note
