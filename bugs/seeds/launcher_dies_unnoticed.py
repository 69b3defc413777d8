"""SIGKILL of what the user has started leaves the run at work: nobody watches the launcher.

Real: every wrapper that waits for its child and is waited for by none.
"""

from __future__ import annotations

import os
from collections.abc import Callable

ROLE = "harness"
PATCHES = "harness.sandbox.reaper:_wait"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::SIGKILL to the launcher, in portable mode",
]


def seeded(original: Callable[[int, int, int], int]) -> Callable[[int, int, int], int]:
    """It watches a pipe that nobody closes."""

    def _wait(run: int, woken: int, life: int) -> int:  # noqa: ARG001
        silent, _held = os.pipe()
        return original(run, woken, silent)

    return _wait
