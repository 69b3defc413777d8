"""A pause is taken to bite because it was asked for.

Imagined: then a daemon that was never stopped passes for one that came through it.
"""

from __future__ import annotations

from harness.faults.pause import Pause

ROLE = "harness"
PATCHES = "harness.faults.pause:Pause.verify"
CAUGHT_BY = [
    "features/harness/faults.feature::Each kind of fault, its injection left out",
]


def seeded(original: object) -> object:  # noqa: ARG001
    """It looks at nothing."""

    def verify(self: Pause) -> None:  # noqa: ARG001
        return

    return verify
