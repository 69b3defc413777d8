"""When `before_all` fails the JUnit file calls every scenario skipped, and none wrong.

Real: behave 1.3.3.
"""

from __future__ import annotations

from behave.reporter.junit import JUnitReporter

ROLE = "harness"
PATCHES = "harness.reporters:HonestJUnitReporter._process_scenario"
CAUGHT_BY = [
    "features/harness/verdicts.feature::A failing before_all is an error in the JUnit file too",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """behave's own."""
    return JUnitReporter._process_scenario
