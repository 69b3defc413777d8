"""Without namespaces the census looks below behave alone: who has forked twice is its reaper's child by then.

Real: the usual list of leaks, `psutil.Process().children(recursive=True)`, which has no orphan in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from harness.identity import Identity, descendants
from harness.sandbox.info import SandboxInfo

ROLE = "harness"
PATCHES = "harness.census:processes_of_run"
CAUGHT_BY = [
    "features/harness/leaks.feature::a process that forked twice, in portable mode",
]


def seeded(original: Callable[[SandboxInfo], list[Identity]]) -> Callable[[SandboxInfo], list[Identity]]:
    """Whoever is below this process now."""

    def processes_of_run(sandbox: SandboxInfo) -> list[Identity]:
        return original(sandbox) if sandbox.private_processes else descendants(os.getpid())

    return processes_of_run
