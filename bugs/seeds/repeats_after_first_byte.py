"""A stream that breaks after its first byte is tried on another worker, whose tokens follow those that came already.

Real: REAL_BUGS 25 (dynamo #13600). With one worker there is nobody to try: it takes two to see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from daemons.common.errors import ApiError
from daemons.common.inference import StreamAnswer
from daemons.common.relay import _Exchange

ROLE = "queen"
PATCHES = "daemons.common.relay:_Exchange._try_target"
CAUGHT_BY = [
    "features/integration/worker_restart_during_inference.feature::After the first token no other worker takes over",
]


class _Broken(Exception):  # noqa: N818
    """The stream ended with an error chunk, which was withheld."""


class _Withholding:
    """An answer that does not pass on an error chunk."""

    def __init__(self, answer: StreamAnswer) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)

    async def finish(self, headers: Mapping[str, str], data: bytes) -> None:
        if b'data: {"error"' in data:
            raise _Broken
        await self._answer.finish(headers, data)


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Once more, in the answer that has begun."""

    async def _try_target(self: _Exchange, route: Any, target: Any) -> Any:
        answer = self._answer
        self._answer = cast("StreamAnswer", _Withholding(answer))
        try:
            return await original(self, route, target)
        except _Broken as broken:
            self._answer = answer
            try:
                another = await route.pick()
            except ApiError as nobody:
                raise nobody from broken
            return await original(self, route, another)
        finally:
            self._answer = answer

    return _try_target
