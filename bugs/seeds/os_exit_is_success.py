"""A step that calls os._exit(0) ends the run with status 0.

Real: behave 1.3.3, and every runner that a test can end.
"""

from __future__ import annotations

from harness.sandbox import EndedRun

ROLE = "harness"
PATCHES = "harness.sandbox.launcher:_truthful"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::A run that calls os._exit, in namespaces",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """It takes the status for the truth."""

    def _truthful(run: EndedRun) -> EndedRun:
        return run

    return _truthful
