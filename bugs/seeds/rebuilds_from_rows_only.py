"""A rebuilt catalog has the rows that could be salvaged, and forgets what only memory and the folder know.

Imagined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from daemons.hive.recovery.salvage import FoundFile, Settled
from daemons.hive.store import StoredModel

ROLE = "hive"
PATCHES = "daemons.hive.recovery.mender:settle"
CAUGHT_BY = [
    "features/integration/database_failure.feature::The root page of its table of a hive's catalog is destroyed"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """What the file says."""

    def settle(
        salvaged: Mapping[str, StoredModel],
        remembered: Mapping[str, StoredModel] | None,  # noqa: ARG001
        files: Mapping[str, FoundFile],
    ) -> Settled:
        settled: Settled = original(salvaged, salvaged, files)
        return settled

    return settle
