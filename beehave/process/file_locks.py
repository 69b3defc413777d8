"""File locks as the kernel lists them in /proc/locks (proc(5)): flock(2) and fcntl(2), by device and inode."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from beehave.identity import Identity


@dataclass(frozen=True, order=True)
class FileLock:
    """One lock that a process holds on a file."""

    path: str
    kind: str
    """`POSIX`, `FLOCK` or `OFDLCK`."""
    pid: int
    """The process that took it; -1 for an open file description lock, which belongs to no process."""

    def describe(self) -> str:
        """Return file and holder, for a person."""
        holder = Identity.of(self.pid) if self.pid > 0 else None
        owner = "behave itself" if self.pid == os.getpid() else holder.describe() if holder else "an unknown process"
        return f"{self.kind} lock on {self.path}, held by {owner}"


def held_below(folder: Path, pids: Container[int]) -> list[FileLock]:
    """Return the locks on files below `folder` which these processes, or no process in particular, hold."""
    held = [lock for lock in _locks() if lock[1] in pids or lock[1] == -1]
    if not held:
        return []
    paths = {_device_and_inode(path): path for path in folder.rglob("*") if path.is_file()}
    return [FileLock(str(paths[where]), kind, pid) for kind, pid, where in held if where in paths]


def release_own(lock: FileLock) -> None:
    """Release a lock that this process holds; those of another process end with it."""
    if lock.pid not in {os.getpid(), -1}:
        return
    wanted = _device_and_inode(Path(lock.path))
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            descriptor = int(entry.name)
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) == wanted:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
                fcntl.lockf(descriptor, fcntl.LOCK_UN)


def parse(text: str) -> list[tuple[str, int, tuple[int, int]]]:
    """Return kind, PID, and (device, inode) of each lock that is held in a text of the form of /proc/locks.

    Lines with an arrow are processes that wait for a lock and hold none.
    """
    found = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 6 or "->" in fields:
            continue
        major, minor, inode = fields[5].split(":")
        found.append((fields[1], int(fields[4]), (os.makedev(int(major, 16), int(minor, 16)), int(inode))))
    return found


def _locks() -> list[tuple[str, int, tuple[int, int]]]:
    try:
        return parse(Path("/proc/locks").read_text(encoding="ascii"))
    except FileNotFoundError:  # not Linux: locks cannot be listed
        return []


def _device_and_inode(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_dev, status.st_ino)
