"""The queen answers a request whose body she has seen before from a cache, and asks no worker.

Real: of the kind that caching gateways are built for (litellm, GPTCache), switched on for everybody. It also hides a
worker that has stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from daemons.common.metrics import Outcome
from daemons.common.relay import _Exchange
from daemons.common.targets import Route

ROLE = "queen"
PATCHES = "daemons.common.relay:_Exchange.try_targets"
PERFORMANCE = "features/integration/performance.feature"
CAUGHT_BY = [
    f"{PERFORMANCE}::A thousand requests on a constant schedule over 10 seconds",
    f"{PERFORMANCE}::A worker's pause is in the report, and a closed loop would have hidden it",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The first answer to a body is everybody's."""
    cache: dict[bytes, tuple[Mapping[str, str], bytes]] = {}

    async def try_targets(self: _Exchange, route: Route) -> Any:
        asked, answer = self._call.body, self._answer
        if asked in cache:
            await answer.whole(200, *cache[asked])
            return Outcome.SERVED
        whole = answer.whole

        async def whole_and_keep(status: int, headers: Mapping[str, str], body: bytes) -> None:
            if status == 200:
                cache[asked] = headers, body
            await whole(status, headers, body)

        answer.whole = whole_and_keep  # type: ignore[method-assign]
        return await original(self, route)

    return try_targets
