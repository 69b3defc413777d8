"""A new hive adopts whatever has the PID of a row.

Real: REAL_BUGS 34 (habitat #4578), 15.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.process import start_ticks
from daemons.hive.workers.adoption import Adoption
from daemons.hive.workers.claim import Claim
from daemons.hive.workers.process import WorkerProcess

ROLE = "hive"
PATCHES = "daemons.hive.workers.claim:Claim.judge"
RECOVERY = "features/integration/recovery.feature"
CAUGHT_BY = [f"{RECOVERY}::A worker whose PID now belongs to a stranger is not adopted, and the stranger is left alone"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Alive is enough."""

    def judge(self: Claim, *, waited: bool = False) -> Any:
        pid = self._stored.pid
        ticks = None if pid is None else start_ticks(pid)
        if pid is None or ticks is None:
            return original(self, waited=waited)
        self.process = self.process or WorkerProcess.adopt(pid, ticks)
        return Adoption.ADOPT

    return judge
