"""Listening TCP sockets and the processes that hold them."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psutil

from beehave.identity import Identity


@dataclass(frozen=True, order=True)
class Listener:
    """One listening TCP socket; `pid` is -1 when its holder is not visible."""

    host: str
    port: int
    pid: int
    descriptor: int

    def describe(self) -> str:
        """Return address and holder as text."""
        holder = Identity.of(self.pid) if self.pid > 0 else None
        owner = "behave itself" if self.pid == os.getpid() else holder.describe() if holder else "an unknown process"
        return f"{self.host}:{self.port}, held by {owner}"


def listeners_of(pids: Iterable[int] | None) -> list[Listener]:
    """Return the listeners of these processes, or with None all of this network namespace."""
    if pids is None:
        return [_listener(c, c.pid) for c in psutil.net_connections(kind="tcp") if c.status == psutil.CONN_LISTEN]
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            connections = psutil.Process(pid).net_connections(kind="tcp")
            found += [_listener(c, pid) for c in connections if c.status == psutil.CONN_LISTEN]
    return found


def _listener(connection: Any, pid: int | None) -> Listener:
    return Listener(str(connection.laddr.ip), connection.laddr.port, pid or -1, connection.fd)


def stop_own(listener: Listener) -> None:
    """Stop a listener that this process holds; that of another process ends with the process.

    The socket is shut down and its descriptor left open: otherwise code that still has the descriptor's number would
    later close another file that has got the same number.
    """
    if listener.pid != os.getpid():
        return
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(listener.descriptor)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
