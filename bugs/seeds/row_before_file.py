"""A model's row is written when its download begins, not when its file is whole.

Real: REAL_BUGS 29 (huggingface_hub #1396: an interrupted download is later taken as complete), from the catalog's side.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemons.hive.models.pulls import Pulls

ROLE = "hive"
PATCHES = "daemons.hive.models.pulls:Pulls._pull"
CAUGHT_BY = ["features/integration/database_failure.feature::A hive is killed in the middle of its writes"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """First the row."""

    async def _pull(self: Pulls, hub: Any, pull: Any) -> Path:
        await self._catalog.add(pull.model)
        path: Path = await original(self, hub, pull)
        return path

    return _pull
