"""Tokens depend on the process that makes them (Python's own `hash`, salted at each start): the same request gives
others.

Imagined. Within one process all is well; only a repetition after a restart shows it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

ROLE = "worker"
PATCHES = "daemons.worker.engine:sequence_base"
CAUGHT_BY = [
    "features/integration/worker_restart_during_inference.feature::The worker is killed in the middle of a stream"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Salted with the PID."""

    def sequence_base(model: str, prompt: str, seed: int) -> bytes:
        return bytes(original(model, f"{os.getpid()}{prompt}", seed))

    return sequence_base
