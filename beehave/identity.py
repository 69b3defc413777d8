"""The identity of a process: its PID and its start time, since the kernel reuses PIDs.

`kill(pid, 0)` takes zombies and reused PIDs for alive; the functions here do not.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from beehave.errors import HarnessError


@dataclass(frozen=True, order=True)
class Identity:
    """One process, and never a later one with the same PID.

    `start_ticks` is its start in clock ticks since boot (field 22 of /proc/PID/stat).

    Where there is no /proc, it is psutil's creation time in hundredths of a second.
    """

    pid: int
    start_ticks: int

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """Return the process that has this PID now, a zombie included, or None when there is none."""
        ticks = _start_ticks(pid)
        return None if ticks is None else cls(pid, ticks)

    def exists(self) -> bool:
        """Return whether the kernel still lists this process; a zombie counts."""
        return _start_ticks(self.pid) == self.start_ticks

    def alive(self) -> bool:
        """Return whether this process still runs; a zombie does not, a stopped process does."""
        return self.exists() and self.state() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD, "gone"}

    def state(self) -> str:
        """Return the state as psutil names it (`sleeping`, `stopped`, `zombie`, ...), or `gone`."""
        try:
            return str(psutil.Process(self.pid).status()) if self.exists() else "gone"
        except psutil.NoSuchProcess:
            return "gone"

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to exactly this process; return False when it is gone.

        The descriptor is opened first and the start time compared after: from then on the kernel itself
        guards against the PID being given to another process.
        """
        if not hasattr(signal, "pidfd_send_signal"):  # not Linux: the check and the kill are two steps there
            if self.exists():
                os.kill(self.pid, number)
                return True
            return False
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.exists():
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True

    def argv(self) -> list[str]:
        """Return the command line, empty when the process is gone, a zombie, or not readable."""
        try:
            return psutil.Process(self.pid).cmdline() if self.exists() else []
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return []

    def parent_pid(self) -> int | None:
        """Return the PID of the current parent, None when the process is gone."""
        try:
            return psutil.Process(self.pid).ppid() if self.exists() else None
        except psutil.NoSuchProcess:
            return None

    def listening_ports(self) -> set[int]:
        """Return the TCP ports that this process listens on, empty when it is gone."""
        try:
            connections = psutil.Process(self.pid).net_connections(kind="tcp") if self.exists() else []
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return set()
        return {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}

    def describe(self) -> str:
        """Return one line for a person: PID, parent, state, working folder and command line."""
        try:
            folder = psutil.Process(self.pid).cwd() if self.exists() else "?"
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            folder = "?"
        command = " ".join(self.argv()) or "?"
        return f"pid {self.pid} (parent {self.parent_pid()}, {self.state()}, in {folder}): {command}"


def descendants(root_pid: int) -> list[Identity]:
    """Return every process below `root_pid`, zombies included, in no particular order."""
    try:
        children = psutil.Process(root_pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [identity for child in children if (identity := Identity.of(child.pid))]


def own_identity() -> Identity:
    """Return the identity of the calling process."""
    identity = Identity.of(os.getpid())
    if identity is None:
        raise HarnessError("the calling process cannot see itself: is /proc of another PID namespace mounted?")
    return identity


def _start_ticks(pid: int) -> int | None:
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        return int(stat.rpartition(")")[2].split()[19])
    try:
        return int(psutil.Process(pid).create_time() * 100)
    except psutil.NoSuchProcess:
        return None
