"""No fault is asked whether it bites.

Real: the predecessor, whose faults were log lines.
"""

from __future__ import annotations

from harness.faults.base import Fault, FaultStack

ROLE = "harness"
PATCHES = "harness.faults.base:FaultStack.add"
CAUGHT_BY = [
    "features/harness/faults.feature::Each kind of fault, its injection left out",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """It injects, and is content."""

    def add(self: FaultStack, fault: Fault) -> None:
        self._faults.append(fault)
        fault.inject()
        self._journal.record("fault", fault=fault.name)

    return add
