"""sys.exit(0) in a step is the end of the step, and no failure: the status says that all went well.

Found by reading: the daemon that the scenario left behind failed it as well, and nobody asked for the step's own words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ROLE = "harness"
PATCHES = "harness.step_guard:StepGuard._call"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::sys.exit(0) in a step is a failed step, in portable mode",
]


def seeded(original: staticmethod[..., Any]) -> staticmethod[..., Any]:
    """Only a status other than 0 goes on."""
    call: Callable[..., Any] = original.__func__

    def _call(match: Any, context: Any) -> Any:
        try:
            return call(match, context)
        except SystemExit as end:
            if end.code:
                raise
            return None

    return staticmethod(_call)
