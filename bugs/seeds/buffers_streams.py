"""The queen holds a stream until it is complete, and then sends all of it: every token comes, none as it is made.

Imagined (a compressing middleware). Must be noticed where a client has to see tokens before the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.common.sse import SseTail

ROLE = "queen"
PATCHES = "daemons.common.sse:SseTail.feed"
OPENAI_CLIENT = "features/full_stack/openai_client.feature"
WORKER_RESTART_DURING_INFERENCE = "features/integration/worker_restart_during_inference.feature"
CAUGHT_BY = [
    "features/full_stack/openai_client.feature::Listing models and streaming a completion",
]
_KEPT: dict[int, bytes] = {}


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Nothing to send on until there is all of it."""

    def feed(self: SseTail, chunk: bytes) -> bytes:
        kept = _KEPT.pop(id(self), b"") + bytes(original(self, chunk))
        if self.complete:
            return kept
        _KEPT[id(self)] = kept
        return b""

    return feed
