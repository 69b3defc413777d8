"""A report is drawn at the orderly end of a run, so a run that was killed has none.

Real: every reporter of behave, which writes at the end.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.sandbox import EndedRun

ROLE = "harness"
PATCHES = "harness.runner:draw_report"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::SIGKILL to the run, in portable mode",
]


def seeded(original: Callable[[EndedRun], None]) -> Callable[[EndedRun], None]:
    """Only of what was finished."""

    def draw_report(run: EndedRun) -> None:
        if run.told.get("finished"):
            original(run)

    return draw_report
