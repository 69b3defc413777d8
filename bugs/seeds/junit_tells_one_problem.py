"""The JUnit file tells one problem of a scenario: when a step has failed, not what was left behind as well.

Real: behave 1.3.3. Found by reading: the scenario asked the JUnit file for the step's failure alone.
"""

from __future__ import annotations

from typing import Any

from harness.reporters import ClosingLines

ROLE = "harness"
PATCHES = "harness.reporters:install"
CAUGHT_BY = [
    "features/harness/leaks.feature::A step's failure and a leak are both told",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """behave's own reporters stay."""

    def install(config: Any, run_problems: list[str]) -> None:  # noqa: ARG001
        config.reporters.append(ClosingLines(config))

    return install
