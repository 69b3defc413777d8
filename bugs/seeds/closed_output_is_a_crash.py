"""`behave | head -1` ends with a traceback beside what was asked for.

Real: Python's own BrokenPipeError, at any program that prints.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TextIO

ROLE = "harness"
PATCHES = "harness.output:_guard"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::Standard output is closed before the first scenario",
]


def seeded(original: Callable[[TextIO, Callable[[], None]], None]) -> Callable[[TextIO, Callable[[], None]], None]:
    """It shows where it met the end."""

    def _guard(stream: TextIO, when_closed: Callable[[], None]) -> None:
        def told() -> None:
            traceback.print_exc()
            when_closed()

        original(stream, told)

    return _guard
