"""A leak is printed and fails nobody: it is a problem of the run, and no scenario's.

Real: behave itself, whose reporters know of no failure after the last step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.layers import HarnessContext, _print

ROLE = "harness"
PATCHES = "harness.layers:HarnessContext._leaks_since"
CAUGHT_BY = [
    "features/harness/leaks.feature::a temporary folder, in namespaces",
]


def seeded(original: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """The run's problems, and nobody's in particular."""

    def _leaks_since(self: HarnessContext, before: Any, session: Any) -> list[str]:
        problems = original(self, before, session)
        if problems:
            self._runner.run_problems += problems
            _print(problems)
        return []

    return _leaks_since
