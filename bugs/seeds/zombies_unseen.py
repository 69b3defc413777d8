"""A process that has ended and that nobody reaps is no leak: the census asks who runs.

Real: REAL_BUGS has its mirror, zombies that count as alive; whoever looks for running processes alone sees neither.
"""

from __future__ import annotations

from collections.abc import Callable

import psutil

from harness.identity import Identity
from harness.sandbox.info import SandboxInfo

ROLE = "harness"
PATCHES = "harness.census:processes_of_run"
CAUGHT_BY = [
    "features/harness/leaks.feature::a zombie, in namespaces",
]


def seeded(original: Callable[[SandboxInfo], list[Identity]]) -> Callable[[SandboxInfo], list[Identity]]:
    """Those that run."""

    def processes_of_run(sandbox: SandboxInfo) -> list[Identity]:
        return [process for process in original(sandbox) if process.state() != psutil.STATUS_ZOMBIE]

    return processes_of_run
