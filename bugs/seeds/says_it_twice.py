"""The last words of a daemon that cannot start stand there twice: once from the log, once from the entry.

Imagined. Status and advice are right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ROLE = "queen"
PATCHES = "daemons.common.logs:say"
CAUGHT_BY = [
    "features/processes/start_up.feature::A queen with a port that is taken",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Once more."""

    def say(line: str) -> None:
        original(line)
        original(line)

    return say
