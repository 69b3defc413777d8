"""A signal that came between two steps is remembered, and the next step begins all the same.

Found by reading: a standard output that is closed is such a signal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from harness.interruption import Interruption

ROLE = "harness"
PATCHES = "harness.interruption:Interruption.may_break_in"
CAUGHT_BY = [
    "features/harness/nothing_survives.feature::Standard output is closed before the first scenario",
]


def seeded(original: Callable[..., object]) -> Callable[..., object]:  # noqa: ARG001
    """Only what comes within the block breaks into it."""

    @contextlib.contextmanager
    def may_break_in(self: Interruption, *, allowed: bool = True) -> Iterator[None]:
        before = self._may_break_in
        self._may_break_in = allowed
        try:
            yield
        finally:
            self._may_break_in = before

    return may_break_in
