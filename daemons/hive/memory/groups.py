"""Memory control groups: the kernel enforces a worker's limit and counts its out-of-memory kills.

Both versions of the interface are supported, also mounted side by side (cgroup-v1/memory.rst and cgroup-v2.rst in the
kernel's documentation). A group is made for each start of a worker and removed after its end, so its counter is about
that process alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from daemons.common.exits import ExitStatus, FatalError


@dataclass(frozen=True, slots=True)
class Interface:
    """The names of one version's files."""

    version: int
    limit: str
    swap_limit: str
    counter: str


V1: Final = Interface(1, "memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.oom_control")
V2: Final = Interface(2, "memory.max", "memory.swap.max", "memory.events")

ENTER: Final = ("/bin/sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"')
"""Followed by the group and the command. The shell enters the group and execs the command under the same PID: a group
never counts the memory that a process had before it was moved into it."""


class MemoryGroup:
    """The group of one process."""

    def __init__(self, path: Path, interface: Interface) -> None:
        self.path = path
        self.interface = interface

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs `argv` in this group."""
        return [*ENTER, str(self.path), *argv]

    def kills(self) -> int:
        """Return the out-of-memory kills in this group; 0 when they cannot be read."""
        try:
            return oom_kills((self.path / self.interface.counter).read_text(encoding="ascii"))
        except OSError:
            return 0

    def limit_bytes(self) -> int | None:
        """Return the present limit (an operator may have changed it); None when it cannot be read."""
        try:
            return int((self.path / self.interface.limit).read_text(encoding="ascii"))
        except (OSError, ValueError):  # version 2 writes `max` for no limit
            return None

    def remove(self) -> bool:
        """Remove the group. Return False while a process is in it."""
        try:
            self.path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


class MemoryGroups:
    """The groups of one hive's workers, all directly below `parent` and named after hive and instance."""

    def __init__(self, parent: Path, interface: Interface, hive_id: str) -> None:
        self.interface = interface
        self._parent = parent
        self._prefix = f"{hive_id}."

    def make(self, instance: str, limit_bytes: int) -> MemoryGroup:
        """Make a group with this limit. Raises OSError."""
        path = self._parent / f"{self._prefix}{instance}"
        path.mkdir(parents=True, exist_ok=True)
        try:
            _set_limit(path, self.interface, limit_bytes)
        except OSError:
            path.rmdir()
            raise
        return MemoryGroup(path, self.interface)

    def find(self, instance: str) -> MemoryGroup | None:
        """Return the group that an earlier hive made for this instance, or None."""
        path = self._parent / f"{self._prefix}{instance}"
        return MemoryGroup(path, self.interface) if path.is_dir() else None

    def remove_all_but(self, instances: set[str]) -> None:
        """Remove the groups that an earlier hive of this id left behind, except those of `instances`."""
        with contextlib.suppress(OSError):
            for path in self._parent.glob(f"{self._prefix}*"):
                if path.name.removeprefix(self._prefix) not in instances:
                    MemoryGroup(path, self.interface).remove()


def find_groups(configured: Path | None, hive_id: str) -> MemoryGroups | str:
    """Return the groups of this hive's workers, or why none can be made here."""
    reasons: list[str] = []
    try:
        parents = [configured] if configured is not None else own_groups()
        for parent in parents:
            parent.mkdir(parents=True, exist_ok=True)
            interface = _try_out(parent)
            if interface is not None:
                return MemoryGroups(parent, interface, hive_id)
            reasons.append(f"a new group in {parent} has no memory limit")
    except OSError as error:
        reasons.append(f"{error.filename}: {error.strerror}")
    return "; ".join(reasons) or "no control groups with a memory controller are mounted"


def required(found: MemoryGroups | str) -> MemoryGroups:
    """Return the groups where the configuration requires them. Raises FatalError 2."""
    if isinstance(found, str):
        raise FatalError(
            ExitStatus.USAGE,
            f"bad configuration (1 error): memory.enforce: cgroup is impossible here ({found}). "
            "Choose auto or watchdog.",
        )
    return found


def own_groups() -> list[Path]:
    """Return this process's groups that may have a memory controller, version 1 first. Raises OSError."""
    own = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return memory_groups(own, mounts)


def memory_groups(own: Sequence[str], mounts: Sequence[str]) -> list[Path]:
    """Return the same from the lines of /proc/self/cgroup and /proc/self/mountinfo."""
    points: dict[str, tuple[str, Path]] = {}
    for line in mounts:
        before, _, after = line.partition(" - ")
        kind, _source, options = after.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
            fields = before.split()
            points.setdefault(kind, (fields[3], Path(fields[4])))
    found: list[Path] = []
    for kind in ("cgroup", "cgroup2"):
        for line in own:
            _, controllers, path = line.split(":", 2)
            mine = "memory" in controllers.split(",") if kind == "cgroup" else not controllers
            if mine and kind in points:
                root, point = points[kind]
                # In a container the mount may begin below the hierarchy's root, which the path still contains.
                below = path.removeprefix(root) if root != "/" else path
                found.append(point / below.lstrip("/"))
    return found


def oom_kills(counter: str) -> int:
    """Return the number of the line `oom_kill N`, which both versions write."""
    for line in counter.splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.strip().isdigit():
            return int(value)
    return 0


def _try_out(parent: Path) -> Interface | None:
    """Make, limit and remove a group below `parent`. None: there is no memory controller. Raises OSError."""
    with contextlib.suppress(OSError):  # version 2: children have only the controllers that the parent enables for them
        control = parent / "cgroup.subtree_control"
        if control.exists():
            control.write_text("+memory", encoding="ascii")
    probe = parent / f"probe-{os.getpid()}"
    probe.mkdir()
    try:
        for interface in (V1, V2):
            if (probe / interface.limit).exists():
                _set_limit(probe, interface, 1 << 30)
                return interface
    finally:
        probe.rmdir()
    return None


def _set_limit(path: Path, interface: Interface, limit_bytes: int) -> None:
    (path / interface.limit).write_text(str(limit_bytes), encoding="ascii")
    with contextlib.suppress(OSError):  # a kernel without swap accounting has no such file
        swap = path / interface.swap_limit
        if swap.exists():
            # Version 1 counts memory and swap together, version 2 swap alone: both values leave none for swap.
            swap.write_text(str(limit_bytes) if interface is V1 else "0", encoding="ascii")
