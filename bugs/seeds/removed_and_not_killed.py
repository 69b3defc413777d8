"""A worker that will not end is given up after the grace: its row goes, the kill is logged, and nobody sends it.

Real: REAL_BUGS 3 (the predecessor: a worker removed after failed checks is not killed). One that still runs hears of
it by the 410 to its next lease, and ends itself; one that hangs stays for ever.
"""

from __future__ import annotations

from collections.abc import Callable

from daemons.hive.noticeboard import Noticeboard
from daemons.hive.workers.states import KillReason
from daemons.hive.workers.stopping import Stoppable

ROLE = "hive"
PATCHES = "daemons.hive.workers.stopping:kill_worker"
CAUGHT_BY = ["features/integration/worker_churn.feature::A hung worker is killed after the grace"]


def seeded(original: object) -> object:  # noqa: ARG001
    """Say it, and go on."""

    async def kill_worker(
        process: Stoppable,
        board: Noticeboard,  # noqa: ARG001
        why: KillReason,
        *,
        on_kill: Callable[[KillReason], None],
    ) -> None:
        if not process.ended:
            on_kill(why)

    return kill_worker
