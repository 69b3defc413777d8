"""A new hive kills what it cannot prove to be its worker, by the row's PID alone, whoever has that PID now.

Real: REAL_BUGS 34 (habitat #4578).
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from typing import Any

from daemons.hive.workers.adoption import Adoption
from daemons.hive.workers.claim import Claim

ROLE = "hive"
PATCHES = "daemons.hive.workers.claim:Claim.judge"
RECOVERY = "features/integration/recovery.feature"
CAUGHT_BY = [f"{RECOVERY}::A worker whose PID now belongs to a stranger is not adopted, and the stranger is left alone"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Make sure that it is dead."""

    def judge(self: Claim, *, waited: bool = False) -> Any:
        verdict = original(self, waited=waited)
        if verdict is Adoption.CRASHED and self._stored.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._stored.pid, signal.SIGTERM)
        return verdict

    return judge
