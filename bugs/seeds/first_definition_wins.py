"""Of two definitions that match one sentence the first one is run, and the other is dead: nobody says so.

Real: behave 1.3.3; the predecessor had four such sentences.
"""

from __future__ import annotations

from typing import Any

ROLE = "harness"
PATCHES = "harness.selection:_ambiguities"
CAUGHT_BY = [
    "features/harness/verdicts.feature::an ambiguous step",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """None are looked for."""

    def _ambiguities(step: Any, registry: Any) -> list[str]:  # noqa: ARG001
        return []

    return _ambiguities
