"""Probes of the machine's capabilities: each really does the thing, and leaves nothing behind.

A probe returns why it is impossible here, as the end of the sentence `needs ...: `, or None when it is possible.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from beehave import sandbox
from beehave.sandbox import kernel, namespaces

NOT_LINUX = "this is not Linux"


def user_namespaces() -> str | None:
    """Become root of a new user namespace."""
    if not kernel.IS_LINUX:
        return NOT_LINUX
    return namespaces.obstacle_to(kernel.CLONE_NEWUSER)


def pid_namespace() -> str | None:
    """Make the whole namespace sandbox."""
    return namespaces.obstacle() if kernel.IS_LINUX else NOT_LINUX


def network_namespace() -> str | None:
    """Check whether this run has a network of its own."""
    info = sandbox.current()
    return None if info.private_network else f"the sandbox of this run is {info.kind}: {info.reason}"


def mount_tmpfs() -> str | None:
    """Mount a small file system, and unmount it."""
    info = sandbox.current()
    if not info.private_processes:
        return f"a mount would be seen by the whole machine: the sandbox of this run is {info.kind}: {info.reason}"
    folder = Path(mkdtemp(prefix="beehave-probe-"))
    try:
        kernel.mount_tmpfs(folder, size_bytes=4096)
        kernel.detach(str(folder))
    except OSError as error:
        return str(error.strerror)
    finally:
        folder.rmdir()
    return None


def cgroup_memory() -> str | None:
    """Run a process in a new control group with a memory limit."""
    parent, reason = memory_parent()
    return None if parent is not None else reason


def memory_parent() -> tuple[Path | None, str]:
    """Return a control group below which this run can limit the memory of a process, or None and why there is none.

    Version 1: its own group. Version 2: a group with processes in it hands no controller down, so it may have to be one
    above its own.
    """
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None, NOT_LINUX
    reasons = []
    for own, limit in memory_groups(lines, mounts):
        above = own.parents if limit == "memory.max" else ()
        for group in (own, *above):
            if group != own and not (group / "cgroup.controllers").exists():
                break  # above the mount
            obstacle = _obstacle_to_limiting(group, limit)
            if obstacle is None:
                return group, ""
            reasons.append(f"{group}: {obstacle}")
    return None, "; ".join(reasons) or "no control group file system with a memory controller is mounted"


def _obstacle_to_limiting(parent: Path, limit: str) -> str | None:
    probe = parent / f"beehave-probe-{os.getpid()}"
    try:
        probe.mkdir()
        try:
            if not (probe / limit).exists():
                return f"a new group has no {limit}"
            (probe / limit).write_text(str(1 << 30), encoding="ascii")
            enter = ["/bin/sh", "-c", 'echo 0 > "$0/cgroup.procs"', str(probe)]
            done = subprocess.run(enter, capture_output=True, text=True, check=False, timeout=10)
            return None if done.returncode == 0 else f"a process cannot enter a new group: {done.stderr.strip()}"
        finally:
            _remove_group(probe)
    except OSError as error:
        return error.strerror or str(error)


def _remove_group(group: Path) -> None:
    for _ in range(100):  # the group is empty once the kernel has released the process: milliseconds
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.005)
        else:
            return


def memory_groups(own: list[str], mounts: list[str]) -> list[tuple[Path, str]]:
    """Return this process's own groups that may limit memory, v1 first, each with the name of the limit's file."""
    points: dict[str, Path] = {}
    for line in mounts:
        before, _, after = line.partition(" - ")
        kind, _source, options = after.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
            points.setdefault(kind, Path(before.split()[4]))
    groups = []
    for line in own:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(",") and "cgroup" in points:
            groups.append((points["cgroup"] / path.lstrip("/"), "memory.limit_in_bytes"))
        elif not controllers and "cgroup2" in points:
            groups.append((points["cgroup2"] / path.lstrip("/"), "memory.max"))
    return groups


def pidfd() -> str | None:
    """Open a descriptor of this process."""
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return "this Python or this system has no pidfd_open"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return str(error.strerror)
    return None


def subreaper() -> str | None:
    """Check whether orphans can be adopted."""
    return None if kernel.IS_LINUX else "only Linux has PR_SET_CHILD_SUBREAPER"


def module(name: str) -> Callable[[], str | None]:
    """Return a probe that looks for a Python package."""

    def obstacle() -> str | None:
        found = sys.modules.get(name, name) is not None and importlib.util.find_spec(name) is not None
        return None if found else f"the Python package {name} is not installed"

    return obstacle
