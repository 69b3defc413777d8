"""A client that hangs up gets its slot back to others at once, but the engine goes on to the last token beside them.

Real: REAL_BUGS 39 (vllm #10087), where the slot count is right and only the work is not stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from daemons.worker.engine import Engine
from daemons.worker.inference import Inference

ROLE = "worker"
PATCHES = "daemons.worker.inference:Inference._tokens"
CAUGHT_BY = ["features/integration/concurrency.feature::A client that hangs up frees its slot within a second"]
_RUNNING: set[asyncio.Task[None]] = set()


def seeded(original: object) -> object:  # noqa: ARG001
    """Tokens are made by a task that nobody ends."""

    async def _tokens(self: Inference, call: Any, engine: Engine, prompt: str) -> AsyncIterator[str]:
        made: asyncio.Queue[str | None] = asyncio.Queue()
        limit, seed = call.request.token_limit, call.request.seed or 0

        async def make() -> None:
            async for token in engine.generate(prompt, limit, seed):
                self._count_token()
                made.put_nowait(token)
            made.put_nowait(None)

        _RUNNING.add(asyncio.create_task(make()))
        while (token := await made.get()) is not None:
            yield token

    return _tokens
