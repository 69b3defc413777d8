"""Memory control groups, as the harness sees them: the one of this run, and those that daemons make below it.

Daemons are told to make their groups below one group of the run, so that the census sees what is left there.
Who clears it: the run when it ends; its launcher when the run was killed; and the next run when that was killed too.
A run holds a lock on its group, which the kernel drops however the run ends, so that a living run's is left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from beehave import sandbox
from beehave.errors import HarnessError
from beehave.machine.probes import memory_parent

PREFIX: Final = "beehave-run-"
MEMORY_GROUP: Final = "memory_group"
"""Name of the fact that the run sends to its launcher: its group, to be removed when the run cannot."""
CLEAR_BOUND_S: Final = 2.0
"""How long the kernel may take to empty a group of killed processes: milliseconds are usual."""
FILES: Final = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.oom_control"),
    2: ("memory.max", "memory.current", "memory.events"),
}
"""By version: the limit, what is used, and the counters with the line `oom_kill N`."""


@dataclass(frozen=True)
class Group:
    """One control group with a memory controller."""

    path: Path

    @property
    def version(self) -> int:
        """1 or 2, by the files that it has.

        Raises:
            HarnessError: it has no memory controller, or is gone.
        """
        for version, (limit, _, _) in FILES.items():
            if (self.path / limit).exists():
                return version
        raise HarnessError(f"{self.path} has no memory controller, or is gone")

    @property
    def limit_bytes(self) -> int | None:
        """The limit, None when there is none."""
        text = self._read(0)
        return None if text == "max" else int(text)

    def set_limit(self, limit: int) -> None:
        """Change the limit. Version 1 refuses one that is below what is used (EBUSY)."""
        (self.path / FILES[self.version][0]).write_text(str(limit), encoding="ascii")

    @property
    def used_bytes(self) -> int:
        """The memory of its processes, page cache included."""
        return int(self._read(1))

    @property
    def oom_kills(self) -> int:
        """How often the kernel's out-of-memory killer has acted in it."""
        counters = dict(line.split(" ", 1) for line in self._read(2).splitlines())
        return int(counters["oom_kill"])

    def _read(self, which: int) -> str:
        return (self.path / FILES[self.version][which]).read_text(encoding="ascii").strip()


class RunGroup:
    """The group of this run; made when a scenario first needs it."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._lock: int | None = None

    @property
    def roots(self) -> list[Path]:
        """The group, once it is made: what the census looks at."""
        return [self._path] if self._path is not None else []

    def path(self) -> Path:
        """Return the group of this run; clears away those of dead runs when it is made.

        Raises:
            HarnessError: this machine does not let the run make one (capability `cgroup_memory`).
        """
        if self._path is None:
            parent, reason = memory_parent()
            if parent is None:
                raise HarnessError(f"no memory control group can be made here: {reason}")
            clear_dead_runs(parent)
            path = parent / f"{PREFIX}{sandbox.current().launcher_pid}-{uuid.uuid4().hex[:8]}"
            # Before it is made: from now on the launcher removes it, whatever happens to the run.
            sandbox.report_to_launcher(**{MEMORY_GROUP: str(path)})
            path.mkdir()
            self._lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            self._path = path
        return self._path

    def groups(self) -> list[Group]:
        """Return the groups that are there below it now."""
        return [Group(path) for root in self.roots for path in sorted(root.iterdir()) if path.is_dir()]

    def close(self) -> None:
        """Remove the group and what is left below it."""
        if self._path is not None and self._lock is not None:
            os.close(self._lock)
            clear(self._path)
        self._path = self._lock = None


def clear(path: Path) -> bool:
    """Remove a group and all below it once they are empty; False when they still are not after a moment."""
    deadline = time.monotonic() + CLEAR_BOUND_S
    while path.exists():
        for group in sorted([path, *(each for each in path.rglob("*") if each.is_dir())], reverse=True):
            with contextlib.suppress(OSError):  # EBUSY: a process in it has not quite ended
                group.rmdir()
        if path.exists():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
    return True


def clear_dead_runs(parent: Path) -> None:
    """Remove the groups of runs that were killed: their lock is free."""
    for path in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                clear(path)
            finally:
                os.close(descriptor)
