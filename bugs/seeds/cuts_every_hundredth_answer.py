"""The queen drops the connection of every hundredth answer in its middle.

Imagined (a server that is recycled after so many requests, in the middle of the last one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from starlette.types import Message, Send

ROLE = "queen"
PATCHES = "daemons.common.asgi:send_json"
CAUGHT_BY = [
    "features/integration/performance.feature::A thousand requests on a constant schedule over 10 seconds",
]


class _RecycledError(Exception):
    """The server is another one by now."""


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Half a body, and no more."""
    numbers = count(1)

    async def send_json(send: Send, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        if next(numbers) % 100:
            await original(send, status, body, headers)
            return

        async def send_half(message: Message) -> None:
            if message["type"] == "http.response.body":
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
                raise _RecycledError
            await send(message)

        await original(send_half, status, body, headers)

    return send_json
