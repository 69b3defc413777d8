"""A pulled model is in the hive's memory and folder, and never in its database.

Imagined, next to REAL_BUGS 27. All requests are served; the next start of the hive knows nothing.
"""

from __future__ import annotations

from daemons.hive.store import Store, StoredModel

ROLE = "hive"
PATCHES = "daemons.hive.store:Store.save_model"
CAUGHT_BY = [
    "features/integration/worker_restart_during_inference.feature::The worker is killed in the middle of a stream"
]


def seeded(original: object) -> object:  # noqa: ARG001
    """Nothing is saved."""

    async def save_model(self: Store, model: StoredModel) -> None:  # noqa: ARG001
        return None

    return save_model
