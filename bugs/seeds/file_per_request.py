"""A hive opens a file for the trace of each request, and closes none.

Imagined (a leak as every one is: small, and never back). It shows after hours, as "too many open files".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from starlette.types import Scope

from daemons.hive.inference import HiveRouter

ROLE = "hive"
PATCHES = "daemons.hive.inference:HiveRouter.route"
CAUGHT_BY = [
    "features/integration/performance.feature::A thousand requests on a constant schedule over 10 seconds",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Opened, and forgotten."""

    def route(self: HiveRouter, request: Any, scope: Scope) -> Any:
        os.open(os.devnull, os.O_WRONLY)
        return original(self, request, scope)

    return route
