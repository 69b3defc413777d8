"""Only the locks of fcntl(2) are counted: those of flock(2), which most programs take, are left out.

Imagined: both stand in /proc/locks, in lines that differ by one word.
"""

from __future__ import annotations

from collections.abc import Callable

ROLE = "harness"
PATCHES = "harness.file_locks:parse"
CAUGHT_BY = [
    "features/harness/leaks.feature::a process with a file lock, in namespaces",
    "features/harness/leaks.feature::a file lock of behave itself, in namespaces",
]


def seeded(original: Callable[[str], list[tuple[str, int, tuple[int, int]]]]) -> Callable[..., object]:
    """The locks of one kind."""

    def parse(text: str) -> list[tuple[str, int, tuple[int, int]]]:
        return [lock for lock in original(text) if lock[0] == "POSIX"]

    return parse
