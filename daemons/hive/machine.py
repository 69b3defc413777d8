"""What the operating system reports about the node: command lines of processes, and resources."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil

from daemons.hive.wire import NodeResources


def command_names(pid: int, path: Path) -> bool:
    """Return whether `path` is an argument on the command line of process `pid`."""
    try:
        return str(path) in psutil.Process(pid).cmdline()
    except (psutil.Error, OSError):
        return False


def resources(folder: Path) -> NodeResources:
    """Return the node's present resources; `folder` is where the models are kept."""
    memory = psutil.virtual_memory()
    try:
        disk = shutil.disk_usage(folder).free
    except OSError:
        disk = 0
    return NodeResources(
        cpus=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        disk_available_bytes=disk,
    )
