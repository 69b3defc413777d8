"""A run that a signal ends does not clean up: its cleanups are for scenarios that come to their end.

Real: behave 1.3.3, which SIGTERM ends without a hook, a cleanup or `atexit`.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.layers import HarnessContext

ROLE = "harness"
PATCHES = "harness.layers:HarnessContext._do_cleanups"
CAUGHT_BY = ["features/harness/nothing_survives.feature::SIGHUP to the launcher, in namespaces"]


def seeded(original: Callable[[HarnessContext], None]) -> Callable[[HarnessContext], None]:
    """None once a signal came."""

    def _do_cleanups(self: HarnessContext) -> None:
        if self._interruption.number is None:
            original(self)

    return _do_cleanups
