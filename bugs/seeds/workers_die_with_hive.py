"""Workers get SIGTERM from the kernel when their hive dies (PR_SET_PDEATHSIG), and end in order.

Real: TRAPS (processes). The next hive starts them all anew, so that the counts agree.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

ROLE = "hive"
PATCHES = "daemons.hive.workers.process:subprocess"
CAUGHT_BY = [
    "features/integration/recovery.feature::A killed hive's workers live on, and its successor adopts exactly them",
    "features/integration/recovery.feature::Workers whose hive does not come back end themselves after the grace",
]
PR_SET_PDEATHSIG = 1
_C = ctypes.CDLL(None)


def seeded(original: ModuleType) -> SimpleNamespace:
    """Popen with a death signal."""

    def with_signal(*arguments: Any, **named: Any) -> subprocess.Popen[bytes]:
        def ask() -> None:
            _C.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

        popen: Callable[..., subprocess.Popen[bytes]] = original.Popen
        return popen(*arguments, preexec_fn=ask, **named)

    return SimpleNamespace(Popen=with_signal, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT)
