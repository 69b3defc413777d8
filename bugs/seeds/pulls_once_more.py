"""A model is downloaded, and then downloaded once more to be compared with itself.

Imagined, next to REAL_BUGS 28. Only the hub's own count shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.models.pulls import Pulls

ROLE = "hive"
PATCHES = "daemons.hive.models.pulls:Pulls._pull"
CAUGHT_BY = [
    "features/integration/concurrency.feature::Three want a model that is not there, and it is downloaded once"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Twice."""

    async def _pull(self: Pulls, hub: Any, pull: Any) -> Any:
        (await original(self, hub, pull)).unlink()
        return await original(self, hub, pull)

    return _pull
