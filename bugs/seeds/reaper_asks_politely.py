"""What a run leaves behind is sent SIGTERM, once, and nobody looks whether it went.

Real: the usual last lines of a test runner.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Set

from harness.identity import Identity, descendants
from harness.sandbox.reaper import reap_all

ROLE = "harness"
PATCHES = "harness.sandbox.reaper:end_descendants"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::A run that calls os._exit, in portable mode",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """It asks, and goes."""

    def end_descendants(remembered: Set[Identity] = frozenset(), *, spare: Set[Identity] = frozenset()) -> None:
        for process in set(descendants(os.getpid())) - spare | set(remembered):
            process.send(signal.SIGTERM)
        reap_all()

    return end_descendants
