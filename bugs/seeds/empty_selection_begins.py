"""A selection of nothing is begun, and nobody says what was asked for and what there is.

Real: behave 1.3.3, which calls it a success.
"""

from __future__ import annotations

from harness import selection
from harness.runner import HarnessRunner, say, step_definitions

ROLE = "harness"
PATCHES = "harness.runner:HarnessRunner._selection_is_sound"
CAUGHT_BY = [
    "features/harness/verdicts.feature::A selection of nothing is a failure (`--tags=@typo`)",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """It looks at what was selected only."""

    def _selection_is_sound(self: HarnessRunner) -> bool:
        wrong = selection.problems(selection.selected(self.features, self.config), step_definitions)
        for problem in wrong:
            say(f"error: {problem}")
        return not wrong

    return _selection_is_sound
