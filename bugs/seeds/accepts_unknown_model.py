"""A spawn is accepted before anybody asks whether the model exists: 202, and a row that fails later.

Imagined, next to REAL_BUGS 14.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.errors import ApiError
from daemons.hive.models.pulls import Pulls

ROLE = "hive"
PATCHES = "daemons.hive.models.pulls:Pulls.ensure"
CAUGHT_BY = ["features/processes/start_up.feature::A model that nobody has"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Swallow the refusal."""

    async def ensure(self: Pulls, ref: str) -> Any:
        try:
            return await original(self, ref)
        except ApiError:
            return None

    return ensure
