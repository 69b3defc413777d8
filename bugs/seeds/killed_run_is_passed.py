"""The report of a run that was killed calls it passed: none of its scenarios has failed.

Found by reading: the scenario read the journal, and not the report that a person would.
"""

from __future__ import annotations

from harness.report import RunReport

ROLE = "harness"
PATCHES = "harness.report:RunReport.verdict"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::SIGKILL to the run, in namespaces",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Whether something failed."""

    def verdict(self: RunReport) -> str:
        return "failed" if "failed" in self.statuses else "passed"

    return property(verdict)
