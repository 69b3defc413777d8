"""Each spawn that lacks its model downloads it for itself, all into one file.

Real: REAL_BUGS 28 (ollama #200). One spawn at a time is well.
"""

from __future__ import annotations

from daemons.hive.models.pulls import Pull, Pulls

ROLE = "hive"
PATCHES = "daemons.hive.models.pulls:Pulls.find"
CAUGHT_BY = [
    "features/integration/concurrency.feature::Three want a model that is not there, and it is downloaded once"
]


def seeded(original: object) -> object:  # noqa: ARG001
    """No pull is ever under way."""

    def find(self: Pulls, ref: str) -> Pull | None:  # noqa: ARG001
        return None

    return find
