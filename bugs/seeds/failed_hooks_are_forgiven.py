"""What an `after` hook raises is dropped: the scenario had ended, after all.

Found by reading: the daemon that the scenario left behind failed it as well, and nobody asked for the hook's own words.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from harness.runner import HarnessRunner

ROLE = "harness"
PATCHES = "harness.runner:HarnessRunner._guarded_hook"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::A run that has an error in after_scenario, in namespaces",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """No error comes out of it."""

    def _guarded_hook(self: HarnessRunner, name: str, hook: Callable[..., Any]) -> Callable[..., None]:
        guarded = original(self, name, hook)
        if not name.startswith("after_"):
            return guarded  # type: ignore[no-any-return]

        def forgiven(context: Any, *args: Any) -> None:
            with contextlib.suppress(Exception):
                guarded(context, *args)

        return forgiven

    return _guarded_hook
