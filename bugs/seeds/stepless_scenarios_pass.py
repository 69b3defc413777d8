"""A scenario without a step passes.

Real: behave 1.3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ROLE = "harness"
PATCHES = "harness.selection:problems"
CAUGHT_BY = [
    "features/harness/verdicts.feature::no steps",
]


def seeded(original: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """It looks at steps only."""

    def problems(scenarios: list[Any], registry: Any) -> list[str]:
        return original([scenario for scenario in scenarios if list(scenario.all_steps)], registry)

    return problems
