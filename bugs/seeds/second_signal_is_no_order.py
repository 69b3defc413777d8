"""A second Ctrl-C is handed on like the first, and ends nothing: the run goes through all of its cleanups.

Real: the usual handler, which sets a flag that is set already.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from harness.sandbox.launcher import _Signals

ROLE = "harness"
PATCHES = "harness.sandbox.launcher:_Signals._on_signal"
CAUGHT_BY = [
    (
        "features/harness/nothing_survives.feature::"
        "Ctrl-C twice ends a run in the middle of its cleanups, in portable mode"
    ),
]


def seeded(original: Callable[..., None]) -> Callable[..., None]:  # noqa: ARG001
    """It counts none."""

    def _on_signal(self: _Signals, number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._reaper_pid, number)

    return _on_signal
