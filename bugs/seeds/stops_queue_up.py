"""Workers are stopped one after the other, each with the whole grace: five stubborn ones take five graces.

Real: the predecessor's shutdown loop (BEHAVIOURS A2: "5 stops at once take one grace, not five").
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Any

ROLE = "hive"
PATCHES = "daemons.hive.workers.attendance:end_worker"
CAUGHT_BY = ["features/integration/worker_churn.feature::Five workers that ignore SIGTERM take one grace, not five"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """One at a time."""
    turn = asyncio.Lock()

    @wraps(original)
    async def end_worker(*arguments: Any, **named: Any) -> None:
        async with turn:
            await original(*arguments, **named)

    return end_worker
