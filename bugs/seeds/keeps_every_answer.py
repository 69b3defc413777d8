"""The queen keeps what she sent to each client, for the case that somebody asks.

Imagined (a history without a bound). Eight kilobytes a request are nothing in a test, and a gigabyte a day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from daemons.common.inference import StreamAnswer

ROLE = "queen"
PATCHES = "daemons.common.inference:StreamAnswer.whole"
CAUGHT_BY = [
    "features/integration/performance.feature::A thousand requests on a constant schedule over 10 seconds",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """With room for what may follow."""
    history: list[bytes] = []

    async def whole(self: StreamAnswer, status: int, headers: Mapping[str, str], body: bytes) -> None:
        history.append(body.ljust(8192, b" "))
        await original(self, status, headers, body)

    return whole
