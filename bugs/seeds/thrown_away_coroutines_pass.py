"""A step that makes a coroutine and forgets to await it passes; only one that returns it is seen.

Real: Python warns, and behave hides what a passing step writes.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.step_guard import UnawaitedCoroutines

ROLE = "harness"
PATCHES = "harness.step_guard:UnawaitedCoroutines.refuse"
CAUGHT_BY = [
    "features/harness/verdicts.feature::a step that forgets to await",
]


def seeded(original: Callable[..., None]) -> Callable[..., None]:
    """It looks at the result alone."""

    def refuse(self: UnawaitedCoroutines, result: object, who: str) -> None:
        self._seen.clear()
        original(self, result, who)

    return refuse
