"""Disk faults: full, or read-only.

A full disk is a small file system that is filled up (`SmallDisk`, `FilledDisk`; needs `mount_tmpfs`), or, where
nothing can be mounted, a limit on the size of a process's files (`FileSizeLimit`). A read-only folder is made so by its
mode (`ReadOnlyFolder`); root ignores modes, so the affected daemon must be started by `obeying_modes`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

from beehave.faults.base import Fault, FaultError
from beehave.machine import capabilities
from beehave.process.table import ManagedProcess
from beehave.sandbox import kernel

SMALL_BYTES = 1 << 20
"""Size of a small disk: enough for many times a daemon's database."""
MOST_BYTES_TO_FILL = 64 << 20
"""A larger disk is not one of ours, so it is never filled."""
FILLER = "filler"

OBEY_MODES = """
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH (linux/capability.h); 24 is PR_CAPBSET_DROP
    if os.geteuid() == 0 and sys.platform == "linux":
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def obeying_modes(command: list[str]) -> list[str]:
    """Return the command line under which a program obeys file modes, also as root: without CAP_DAC_OVERRIDE.

    The program replaces the launcher (execve), so the PID is its own. Needs no capability of the machine.
    """
    return [sys.executable, "-c", OBEY_MODES, *command]


class SmallDisk(Fault):
    """A file system of a fixed size, mounted on a folder: what was in the folder is hidden until it is healed."""

    def __init__(self, folder: Path, size_bytes: int = SMALL_BYTES) -> None:
        self._folder = folder
        self._size_bytes = size_bytes
        self._mounted = False

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._folder.name} on a disk of {self._size_bytes} bytes"

    def available(self) -> str | None:
        """Return why nothing can be mounted here, None when a mount is possible."""
        return capabilities.find("mount_tmpfs").reason or None

    def inject(self) -> None:
        """Mount it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kernel.mount_tmpfs(self._folder, size_bytes=self._size_bytes)
        self._mounted = True

    def verify(self) -> None:
        """Verify that the folder is that small.

        Raises:
            FaultError: it is not.
        """
        size = _size_of_disk(self._folder)
        if size > 2 * self._size_bytes:  # the kernel rounds up to pages
            raise FaultError(f"{self._folder.name} is on a disk of {size} bytes, not {self._size_bytes}")

    def heal(self) -> None:
        """Unmount it, open files or not."""
        if self._mounted:
            kernel.detach(str(self._folder))
            self._mounted = False


class FilledDisk(Fault):
    """A disk without a free byte; only a small disk is ever filled."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / FILLER

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the disk of {self._filler.parent.name} is full"

    def available(self) -> str | None:
        """Return why this disk must not be filled, None when it may."""
        size = _size_of_disk(self._filler.parent)
        return f"its disk has {size} bytes and is not the scenario's own" if size > MOST_BYTES_TO_FILL else None

    def inject(self) -> None:
        """Write until nothing more fits."""
        with self._filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass

    def verify(self) -> None:
        """Verify that not one more block fits.

        Raises:
            FaultError: it does.
        """
        probe = self._filler.with_name("probe")
        try:
            probe.write_bytes(bytes(4096))
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return
            raise FaultError(f"{self.name}: a write says {error.strerror}, expected no space left") from error
        finally:
            probe.unlink(missing_ok=True)
        raise FaultError(f"{self.name}: 4096 bytes more could be written")

    def heal(self) -> None:
        """Free the space."""
        self._filler.unlink(missing_ok=True)


class FileSizeLimit(Fault):
    """No file of one running process may grow beyond a size (RLIMIT_FSIZE): the portable way to a full disk.

    The process must ignore SIGXFSZ, as Python does; then its write fails with EFBIG. Its log is a file too, so what it
    logs beyond the limit is lost.
    """

    def __init__(self, process: ManagedProcess, limit_bytes: int) -> None:
        self._process = process
        self._limit_bytes = limit_bytes
        self._before: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return f"no file of {self._process.name} may grow beyond {self._limit_bytes} bytes"

    def available(self) -> str | None:
        """Return why the limits of another process cannot be set, None when they can."""
        return None if hasattr(resource, "prlimit") else "only Linux sets the limits of a running process"

    def inject(self) -> None:
        """Lower the soft limit."""
        self._before = self._limits()
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (self._limit_bytes, self._before[1]))

    def verify(self) -> None:
        """Verify that the kernel has the limit.

        Raises:
            FaultError: it has another limit.
        """
        soft, _ = self._limits()
        if soft != self._limit_bytes:
            raise FaultError(f"{self._process.name} has a limit of {soft} bytes, not {self._limit_bytes}")

    def heal(self) -> None:
        """Restore the old limit; a process that is gone has none."""
        if self._before is not None and self._process.alive():
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, self._before)
        self._before = None

    def _limits(self) -> tuple[int, int]:
        return resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)


class ReadOnlyFolder(Fault):
    """A folder in which nothing can be made, renamed or removed, and files in it that cannot be opened for writing.

    Folders below it stay as they are, and so does whatever a process has open already.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modes: dict[Path, int] = {}

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._folder.name} is read-only"

    def inject(self) -> None:
        """Remove the write permission from the folder and the files in it."""
        for path in [*self._folder.iterdir(), self._folder]:
            if path == self._folder or path.is_file():
                self._modes[path] = stat.S_IMODE(path.stat().st_mode)
                path.chmod(self._modes[path] & ~0o222)

    def verify(self) -> None:
        """Verify, by a process that obeys modes, that no file can be made there.

        Raises:
            FaultError: one can be.
        """
        probe = self._folder / "probe"
        attempt = [sys.executable, "-c", "import sys; open(sys.argv[1], 'x')", str(probe)]
        done = subprocess.run(obeying_modes(attempt), capture_output=True, text=True, check=False, timeout=30)
        if done.returncode == 0 or "PermissionError" not in done.stderr:
            probe.unlink(missing_ok=True)
            raise FaultError(f"{self.name}: a file can be made in it (exit {done.returncode}): {done.stderr.strip()}")

    def heal(self) -> None:
        """Restore the permissions of what is still there."""
        for path, mode in self._modes.items():
            with contextlib.suppress(FileNotFoundError):
                path.chmod(mode)
        self._modes.clear()


def _size_of_disk(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize
