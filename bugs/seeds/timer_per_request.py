"""A worker sets a timer for each request, in a thread of its own, and does not cancel it when the request has ended.

Imagined. Ten minutes of load are as many threads as there were requests in them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from daemons.worker.inference import Inference

ROLE = "worker"
PATCHES = "daemons.worker.inference:Inference._engine_for"
CAUGHT_BY = [
    "features/integration/performance.feature::A thousand requests on a constant schedule over 10 seconds",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Ten minutes each."""

    def _engine_for(self: Inference, request: Any) -> Any:
        timer = threading.Timer(600, lambda: None)
        timer.daemon = True  # as a watchdog is: it must not keep the process
        timer.start()
        return original(self, request)

    return _engine_for
