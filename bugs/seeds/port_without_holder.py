"""A port that was left open is told without who holds it.

Imagined: a message that costs its reader an hour, and no test that only asks whether there was one.
"""

from __future__ import annotations

from harness.listeners import Listener

ROLE = "harness"
PATCHES = "harness.listeners:Listener.describe"
CAUGHT_BY = [
    "features/harness/leaks.feature::a process with a port, in namespaces",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """The address."""

    def describe(self: Listener) -> str:
        return f"{self.host}:{self.port},"

    return describe
