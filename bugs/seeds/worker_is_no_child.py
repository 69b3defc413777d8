"""Workers are started by way of a helper that ends at once (`cmd &` in a shell): nobody can reap them, or learn their
status.

Real: of the kind of REAL_BUGS 4 (children orphaned). Everything works; only parent and exit status show it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from daemons.common.process import start_ticks
from daemons.hive.workers.process import WorkerProcess

ROLE = "hive"
PATCHES = "daemons.hive.workers.process:WorkerProcess.start"
CAUGHT_BY = [
    "features/integration/worker_churn.feature::Workers spawned at once all run under their hive",
    "features/integration/worker_churn.feature::Stopped workers leave nothing behind",
    "features/integration/worker_churn.feature::A worker that crashes is replaced under its own id",
]
HELPER = (
    "import json, subprocess, sys; argv, log = json.load(sys.stdin); "
    "out = open(log, 'ab'); "
    "print(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True).pid)"
)


def seeded(original: object) -> object:  # noqa: ARG001
    """Start the helper, which starts the worker."""

    def start(cls: type[WorkerProcess], argv: Sequence[str], log_path: Path) -> WorkerProcess:
        order = json.dumps([list(argv), str(log_path)])
        helper = [sys.executable, "-c", HELPER]
        said = subprocess.run(helper, input=order, capture_output=True, text=True, check=True).stdout
        return cls(int(said), start_ticks(int(said)), None)

    return classmethod(start)
