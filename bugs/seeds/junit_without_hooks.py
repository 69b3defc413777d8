"""What the hooks of a feature leave behind is in no JUnit file: there is no scenario to put it at.

Real: behave 1.3.3.
"""

from __future__ import annotations

from behave.reporter.junit import JUnitReporter

ROLE = "harness"
PATCHES = "harness.reporters:HonestJUnitReporter._process_run_items_for"
CAUGHT_BY = [
    (
        "features/harness/leaks.feature::"
        "What the hooks of a feature and of the run leave behind fails the run, and no scenario"
    ),
]


def seeded(original: object) -> object:  # noqa: ARG001
    """behave's own."""
    return JUnitReporter._process_run_items_for
