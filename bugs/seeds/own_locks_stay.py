"""The sweep releases what fcntl(2) has locked, and not what flock(2) has: the next scenario meets the lock.

Imagined: one of two calls that look alike is missing.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable
from pathlib import Path

from harness.file_locks import FileLock

ROLE = "harness"
PATCHES = "harness.census:release_own"
CAUGHT_BY = [
    "features/harness/leaks.feature::a file lock of behave itself, in namespaces",
]


def seeded(original: Callable[[FileLock], None]) -> Callable[[FileLock], None]:  # noqa: ARG001
    """One call of two."""

    def release_own(lock: FileLock) -> None:
        for entry in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(entry.readlink()) == lock.path:
                    fcntl.lockf(int(entry.name), fcntl.LOCK_UN)

    return release_own
