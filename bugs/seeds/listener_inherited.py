"""A worker inherits the socket on which its hive listens: when the hive is killed, its port stays taken.

Real: REAL_BUGS 33 (llama-swap #138: a hive that is killed leaves a worker on a port that its successor wants).
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

ROLE = "hive"
PATCHES = "daemons.hive.workers.process:subprocess"
CAUGHT_BY = [
    "features/integration/recovery.feature::A killed hive's workers live on, and its successor adopts exactly them"
]
CAUGHT_AS = "start_up"


def seeded(original: ModuleType) -> SimpleNamespace:
    """Popen that passes listening sockets on."""

    def with_listeners(*arguments: Any, **named: Any) -> subprocess.Popen[bytes]:
        popen: Callable[..., subprocess.Popen[bytes]] = original.Popen
        return popen(*arguments, pass_fds=list(_listeners()), **named)

    return SimpleNamespace(Popen=with_listeners, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT)


def _listeners() -> Iterator[int]:
    for entry in Path("/proc/self/fd").iterdir():
        if not entry.is_symlink() or not str(entry.readlink()).startswith("socket:"):
            continue
        with socket.socket(fileno=os.dup(int(entry.name))) as copy:
            if copy.family == socket.AF_INET and copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                yield int(entry.name)
