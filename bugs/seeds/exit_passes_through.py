"""A step that calls sys.exit ends the whole run: only exceptions are taken for failures.

Real: behave 1.3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.step_guard import StepGuard

ROLE = "harness"
PATCHES = "harness.step_guard:StepGuard.run"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::sys.exit(0) in a step is a failed step, in portable mode",
]


def seeded(original: Callable[..., None]) -> Callable[..., None]:  # noqa: ARG001
    """Without the last `except`."""

    def run(self: StepGuard, match: Any, step: Any, context: Any) -> None:
        with self._interruption.may_break_in(), self._evidence_rule(step, context):
            self._unawaited.refuse(self._call(match, context), f'step "{step.name}"')

    return run
