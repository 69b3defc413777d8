"""The first chunk of a stream names the role and leaves its token out.

Imagined (a classic of OpenAI-compatible servers). Whole answers are right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.worker.frames import Frames

ROLE = "worker"
PATCHES = "daemons.worker.frames:Frames.first"
OPENAI_CLIENT = "features/full_stack/openai_client.feature"
CONCURRENCY = "features/integration/concurrency.feature"
WORKER_RESTART_DURING_INFERENCE = "features/integration/worker_restart_during_inference.feature"
CAUGHT_BY = [
    f"{OPENAI_CLIENT}::Listing models and streaming a completion",
    f"{WORKER_RESTART_DURING_INFERENCE}::The worker is sent SIGTERM in the middle of a stream",
    f"{CONCURRENCY}::More requests than slots wait their turn, and none is lost",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """The role alone."""

    def first(self: Frames, token: str) -> bytes:  # noqa: ARG001
        return bytes(original(self, ""))

    return first
