"""The census: processes, listeners, mounts, control groups, file locks and temporary folders, before and after.

A scenario must end with what it began with. Whatever is extra is named in full, fails that scenario, and is then
removed, by identity: SIGKILL and a wait for one process at a time. A wait for any child would take exit statuses away
from `subprocess`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Set
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from beehave.identity import Identity, descendants
from beehave.process.file_locks import FileLock, held_below, release_own
from beehave.process.listeners import Listener, listeners_of, stop_own
from beehave.sandbox import kernel
from beehave.sandbox.info import SandboxInfo, SandboxKind

SETTLE_S = 0.25
"""How long something extra may take to go by itself: a process that was signalled may be about to end, and its
orphans are reaped by another process. Only a scenario that leaks waits for it."""
SWEEP_BOUND_S = 5.0
"""How long a killed process may take to be gone: the kernel frees a few GiB of memory in well under a second."""
TEMPORARY_FOLDER = "tmp"
"""Below the run folder; `tempfile` uses it during a run, and it is empty between scenarios."""
_LOOK_INTERVAL_S = 0.02


@dataclass(frozen=True)
class Leak:
    """One process or other resource that was left behind."""

    kind: str
    """`process`, `zombie`, `port`, `lock`, `mount`, `cgroup` or `folder`."""
    what: str
    """A full description of it."""
    pid: int | None = None
    port: int | None = None

    def __str__(self) -> str:
        """Return the line that the report shows."""
        return f"{self.kind} left behind: {self.what}"


@dataclass(frozen=True, order=True)
class Mount:
    """One mounted file system; a later mount has a greater number, as long as none was removed."""

    number: int
    point: str
    kind: str


@dataclass(frozen=True)
class Census:
    """Everything that was there at one moment."""

    processes: frozenset[Identity] = frozenset()
    listeners: frozenset[Listener] = frozenset()
    locks: frozenset[FileLock] = frozenset()
    mounts: frozenset[Mount] = frozenset()
    cgroups: frozenset[Path] = frozenset()
    folders: frozenset[Path] = frozenset()

    def without(self, before: Census) -> Census:
        """Return what is in this census and not in `before`."""
        return Census(
            self.processes - before.processes,
            self.listeners - before.listeners,
            self.locks - before.locks,
            self.mounts - before.mounts,
            self.cgroups - before.cgroups,
            self.folders - before.folders,
        )

    def leaks(self) -> list[Leak]:
        """Return the whole content as leaks, processes first."""
        return [
            *(
                Leak(
                    "zombie" if process.state() == psutil.STATUS_ZOMBIE else "process", process.describe(), process.pid
                )
                for process in sorted(self.processes)
            ),
            *(Leak("port", it.describe(), it.pid, it.port) for it in sorted(self.listeners)),
            *(Leak("lock", lock.describe(), lock.pid) for lock in sorted(self.locks)),
            *(Leak("mount", f"{mount.kind} on {mount.point}") for mount in sorted(self.mounts)),
            *(Leak("cgroup", str(group)) for group in sorted(self.cgroups)),
            *(Leak("folder", str(folder)) for folder in sorted(self.folders)),
        ]


@dataclass
class CensusTaker:
    """Takes the census of this run.

    In namespaces every process, listener and mount belongs to it; without them, what descends from the run's reaper.
    """

    sandbox: SandboxInfo
    run_folder: Path | None = None
    cgroup_roots: list[Path] = field(default_factory=list)
    """Control groups below which the run makes its own; what appears there belongs to the run."""

    def take(self) -> Census:
        """Return what is there now."""
        processes = frozenset(processes_of_run(self.sandbox))
        pids = {process.pid for process in processes} | {os.getpid()}
        private = self.sandbox.private_processes
        return Census(
            processes,
            frozenset(listeners_of(None if self.sandbox.private_network else pids)),
            frozenset(held_below(self.run_folder, pids)) if self.run_folder else frozenset(),
            frozenset(_mounts()) if private else frozenset(),
            frozenset(group for root in self.cgroup_roots for group in root.rglob("*") if group.is_dir()),
            frozenset(self._temporary()),
        )

    def extra_since(self, before: Census, *, expected: Set[Identity] = frozenset()) -> Census:
        """Return what is there, was not there `before`, and does not go by itself.

        The expected processes, their descendants and what these hold are left out.
        """
        deadline = time.monotonic() + SETTLE_S
        while True:
            extra = _without_expected(self.take().without(before), expected)
            if extra == Census() or time.monotonic() >= deadline:
                return extra
            time.sleep(_LOOK_INTERVAL_S)

    def sweep(self, before: Census, *, spare: Set[Identity] = frozenset()) -> list[str]:
        """Restore the state `before`, and return a sentence for each thing that could not be removed."""
        problems = [f"SIGKILL did not end {process.describe()}" for process in self._end_processes(before, spare)]
        extra = _without_expected(self.take().without(before), spare)
        for listener in extra.listeners:
            stop_own(listener)
        for lock in extra.locks:
            release_own(lock)
        for mount in sorted(extra.mounts, reverse=True):  # the last one first: it may be mounted on another
            with contextlib.suppress(OSError):
                kernel.detach(mount.point)
        for group in sorted(extra.cgroups, reverse=True):
            with contextlib.suppress(OSError):
                group.rmdir()
        for folder in extra.folders:
            _remove(folder)
        left = _without_expected(self.take().without(before), spare)
        return problems + [
            f"could not be cleared away: {leak}" for leak in replace(left, processes=frozenset()).leaks()
        ]

    def _end_processes(self, before: Census, spare: Set[Identity]) -> list[Identity]:
        deadline = time.monotonic() + SWEEP_BOUND_S
        while True:
            now = Census(processes=frozenset(processes_of_run(self.sandbox))).without(before)
            left = sorted(_without_expected(now, spare).processes)
            if not left or time.monotonic() >= deadline:
                return left
            for process in left:
                with contextlib.suppress(PermissionError):  # a set-user-id program: it is named as left over
                    process.send(signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):  # adopted by the reaper, which reaps it
                    os.waitpid(process.pid, os.WNOHANG)
            time.sleep(_LOOK_INTERVAL_S)

    def _temporary(self) -> list[Path]:
        folder = self.run_folder / TEMPORARY_FOLDER if self.run_folder else None
        return list(folder.iterdir()) if folder and folder.is_dir() else []


def processes_of_run(sandbox: SandboxInfo) -> list[Identity]:
    """Return every process of this run but its reaper and the calling one, orphans and zombies included."""
    if sandbox.private_processes:
        found = [identity for pid in psutil.pids() if (identity := Identity.of(pid))]
    else:
        # Below the parent: the reaper, which adopts this process's orphans. Without a sandbox they are lost to PID 1.
        root = os.getpid() if sandbox.kind is SandboxKind.NONE else os.getppid()
        found = descendants(root)
    return [identity for identity in found if identity.pid not in {1, os.getpid()}]


def _without_expected(extra: Census, expected: Set[Identity]) -> Census:
    if not expected:
        return extra
    processes = frozenset(process for process in extra.processes if not _descends_from(process, expected))
    pids = {process.pid for process in extra.processes - processes}
    return Census(
        processes,
        frozenset(listener for listener in extra.listeners if listener.pid not in pids),
        frozenset(lock for lock in extra.locks if lock.pid not in pids),
        extra.mounts,
        extra.cgroups,
        extra.folders,
    )


def _descends_from(process: Identity, ancestors: Set[Identity]) -> bool:
    current: Identity | None = process
    while current is not None and current.pid > 1:
        if current in ancestors:
            return True
        parent = current.parent_pid()
        current = Identity.of(parent) if parent else None
    return False


def _mounts() -> list[Mount]:
    # proc(5), /proc/PID/mountinfo: mount id, parent id, device, root, mount point, options, ... - type, ...
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        fields = line.split()
        point = fields[4].encode().decode("unicode_escape")  # a blank in a path is written \040
        found.append(Mount(int(fields[0]), point, fields[fields.index("-") + 1]))
    return found


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
