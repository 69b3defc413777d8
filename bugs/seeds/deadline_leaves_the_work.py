"""A queen whose request has passed its deadline says so, and leaves the hive to make the answer to its end.

Real: of the kind of REAL_BUGS 38 and 39: the client hears 504 in time, and a slot stays taken for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daemons.common.relay import _Exchange

ROLE = "queen"
PATCHES = "daemons.common.relay:_Exchange._pass_through"
CAUGHT_BY = ["features/full_stack/requests.feature::A deadline holds at the queen"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The call to the hive goes on beside, with a deadline of its own."""
    left: set[asyncio.Task[Any]] = set()

    async def _pass_through(self: _Exchange, target: Any) -> Any:
        target.headers["x-deadline-ms"] = "30000"
        call = asyncio.ensure_future(original(self, target))
        left.add(call)
        call.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(call)

    return _pass_through
