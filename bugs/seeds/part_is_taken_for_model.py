"""A part that an earlier hive has left of a download is taken for the whole model.

Real: REAL_BUGS 29 (huggingface_hub #1396: an interrupted download is later taken as complete).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemons.common.durations import Durations
from daemons.hive.models.download import Progress
from daemons.hive.models.hub import Hub, HubModel
from daemons.hive.models.partfile import PartFile

ROLE = "hive"
PATCHES = "daemons.hive.models.download:_try"
CAUGHT_BY = ["features/integration/database_failure.feature::A hive is killed in the middle of a download"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """What is there is there."""

    async def _try(hub: Hub, model: HubModel, path: Path, durations: Durations, progress: Progress) -> None:
        async with PartFile(path, sha256=model.sha256, size=model.size_bytes) as part:
            left_behind = progress.tries == 1 and part.length > 0
            if left_behind:
                await part.finish()
        if not left_behind:
            await original(hub, model, path, durations, progress)

    return _try
