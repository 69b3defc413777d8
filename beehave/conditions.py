"""Bounded waiting for a condition, on the monotonic clock; the message has the last value seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from beehave.journal import Journal

Seen = TypeVar("Seen")

POLL_INTERVAL_S = 0.02
"""Pause between two looks: polling 50 times a second with a loopback request costs 2 % of a core."""


def eventually(
    journal: Journal,
    what: str,
    look: Callable[[], Seen],
    holds: Callable[[Seen], bool],
    *,
    within_s: float,
    impossible: Callable[[], str | None] = lambda: None,
) -> Seen:
    """Look again and again until `holds(look())`, and return what was seen then.

    Args:
        journal: where the check is recorded.
        what: the condition in words, for the message and the journal.
        look: reads the product; it records its observations itself.
        holds: whether what was seen is what must come.
        within_s: the bound, in seconds.
        impossible: called each time; returns why waiting is in vain (a process died), or None.

    Raises:
        AssertionError: the bound passed or the condition became impossible; the message has the last value seen.
    """
    started = time.monotonic()
    while True:
        seen = look()
        if holds(seen):
            journal.checked(f"{what} (after {time.monotonic() - started:.3f} s)")
            return seen
        passed = time.monotonic() - started
        if reason := impossible():
            raise AssertionError(f"{what}: can no longer happen, after {passed:.2f} s: {reason}\nlast seen: {seen}")
        if passed >= within_s:
            raise AssertionError(f"{what}: not within {within_s:.2f} s\nlast seen: {seen}")
        time.sleep(POLL_INTERVAL_S)


def always(
    journal: Journal, what: str, look: Callable[[], Seen], holds: Callable[[Seen], bool], *, for_s: float
) -> Seen:
    """Look again and again for `for_s` seconds and return the last value seen.

    Raises:
        AssertionError: the condition did not hold once; the message has what was seen, and when.
    """
    started = time.monotonic()
    while True:
        seen = look()
        passed = time.monotonic() - started
        if not holds(seen):
            raise AssertionError(f"{what}: no longer true after {passed:.2f} s\nseen: {seen}")
        if passed >= for_s:
            journal.checked(f"{what} (for {for_s:.3f} s)")
            return seen
        time.sleep(POLL_INTERVAL_S)
