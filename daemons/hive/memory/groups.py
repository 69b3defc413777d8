"""Memory control groups: the kernel itself holds a worker to its limit, and counts the kills that this takes.

Both versions of the interface, also where the machine mounts them side by side (cgroup-v1/memory.rst and cgroup-v2.rst
in the kernel's documentation). A group is made for each start of a worker and removed after its end, so whatever its
counter says is about that process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
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
"""Behind it go the group and the command. The shell enters the group and becomes the command, same PID: moved in from
outside, a process would have had some of its memory before, which the group would never count."""


class MemoryGroup:
    """The group of one process."""

    def __init__(self, path: Path, interface: Interface) -> None:
        self.path = path
        self.interface = interface

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in this group."""
        return [*ENTER, str(self.path), *argv]

    def kills(self) -> int:
        """How often the kernel has killed here for want of memory; 0 when that cannot be read."""
        try:
            return oom_kills((self.path / self.interface.counter).read_text(encoding="ascii"))
        except OSError:
            return 0

    def limit_bytes(self) -> int | None:
        """The limit as it is now (an operator may have changed it); None when that cannot be read."""
        try:
            return int((self.path / self.interface.limit).read_text(encoding="ascii"))
        except (OSError, ValueError):  # version 2 writes `max` for no limit
            return None

    def remove(self) -> bool:
        """Remove the group; False while something is in it."""
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
        """A group with this limit. Raises OSError."""
        path = self._parent / f"{self._prefix}{instance}"
        path.mkdir(parents=True, exist_ok=True)
        try:
            _set_limit(path, self.interface, limit_bytes)
        except OSError:
            path.rmdir()
            raise
        return MemoryGroup(path, self.interface)

    def find(self, instance: str) -> MemoryGroup | None:
        """The group that an earlier hive made for this instance."""
        path = self._parent / f"{self._prefix}{instance}"
        return MemoryGroup(path, self.interface) if path.is_dir() else None

    def remove_all_but(self, instances: set[str]) -> None:
        """Remove what an earlier hive of this id has left of workers that nobody knows any more."""
        with contextlib.suppress(OSError):
            for path in self._parent.glob(f"{self._prefix}*"):
                if path.name.removeprefix(self._prefix) not in instances:
                    MemoryGroup(path, self.interface).remove()


def find_groups(configured: Path | None, hive_id: str) -> MemoryGroups | str:
    """The groups of this hive's workers, or why none can be made here."""
    reasons: list[str] = []
    try:
        parents = [configured] if configured is not None else list(own_groups())
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
    """The groups, when the configuration insists on them. Raises FatalError 2."""
    if isinstance(found, str):
        raise FatalError(
            ExitStatus.USAGE,
            f"bad configuration (1 error): memory.enforce: cgroup is impossible here ({found}). "
            "Choose auto or watchdog.",
        )
    return found


def own_groups() -> Iterator[Path]:
    """This process' own groups that may have a memory controller, version 1 first. Raises OSError."""
    own = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return iter(memory_groups(own, mounts))


def memory_groups(own: Sequence[str], mounts: Sequence[str]) -> list[Path]:
    """The same, out of the lines of /proc/self/cgroup and /proc/self/mountinfo."""
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
                # In a container the mount may begin below the hierarchy's root; the path does not know that.
                below = path.removeprefix(root) if root != "/" else path
                found.append(point / below.lstrip("/"))
    return found


def oom_kills(counter: str) -> int:
    """The number in the line `oom_kill N`, which both versions write."""
    for line in counter.splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.strip().isdigit():
            return int(value)
    return 0


def _try_out(parent: Path) -> Interface | None:
    """Make a group below `parent`, limit it, and remove it. None: there is no memory controller. Raises OSError."""
    with contextlib.suppress(OSError):  # version 2: the children have the controllers that the parent hands down
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
    with contextlib.suppress(OSError):  # a kernel without accounting of swap has no such file
        swap = path / interface.swap_limit
        if swap.exists():
            # Version 1 counts memory and swap together, version 2 swap alone: either way none is left for swap.
            swap.write_text(str(limit_bytes) if interface is V1 else "0", encoding="ascii")
