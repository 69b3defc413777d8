"""A run that a signal ended exits with 1, as if a scenario had failed.

Real: behave 1.3.3.
"""

from __future__ import annotations

from harness.interruption import Interruption

ROLE = "harness"
PATCHES = "harness.interruption:Interruption.exit_code"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::SIGINT to the terminal, in namespaces",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """No status of its own."""

    def exit_code(self: Interruption) -> int | None:  # noqa: ARG001
        return None

    return property(exit_code)
