"""The identity of a process: its PID and the tick in which it started, never a PID alone.

PIDs are reused and zombies answer `kill(pid, 0)`; the pair is never reused, and its zombie is recognised.
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

_POLL_S: Final = 0.05
"""How often a process is checked where the kernel has no pidfd (macOS): far shorter than a lease."""


def start_ticks(pid: int) -> int | None:
    """Return when the process started, in clock ticks since boot (off Linux: hundredths of a second since the epoch).

    None when there is no such process. A zombie still has its start ticks; see `is_same_process`.
    """
    found = _look(pid)
    return None if found is None else found[0]


def is_same_process(pid: int, ticks: int | None) -> bool:
    """Return whether the process with this PID and these start ticks still runs. A zombie does not."""
    found = _look(pid)
    return found is not None and ticks is not None and found[0] == ticks and not found[1]


@cache
def boot_id() -> str:
    """Return the id of this boot: start ticks count from it, so they mean nothing after another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def _look(pid: int) -> tuple[int, bool] | None:
    """Return (start ticks, is a zombie) of a process, or None when there is none."""
    if pid <= 0:
        return None
    if not sys.platform.startswith("linux"):
        return _look_with_psutil(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command in brackets and may itself contain brackets and spaces: cut after the last one.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return int(fields[19]), fields[0] in (b"Z", b"X")


def _look_with_psutil(pid: int) -> tuple[int, bool] | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return int(process.create_time() * 100), process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None


def signal_process(pid: int, ticks: int | None, number: signal.Signals) -> bool:
    """Send a signal to exactly this process. Return False, and send nothing, when it is gone.

    A pidfd holds the process from the check to the signal, so that a reused PID cannot be hit in between; without a
    pidfd the check comes directly before the signal.
    """
    try:
        with _pidfd(pid) as held:
            if not is_same_process(pid, ticks):
                return False
            if held is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(held, number)
    except ProcessLookupError:
        return False
    return True


async def wait_gone(pid: int, ticks: int | None) -> None:
    """Return as soon as this process no longer runs (dead or zombie); at once when it is gone already.

    Works also for processes that are not children of this one (adopted workers): the kernel reports by pidfd. Does
    not reap.
    """
    try:
        with _pidfd(pid) as held:
            if held is not None and is_same_process(pid, ticks):
                await _readable(held)
                return
    except ProcessLookupError:
        return
    while is_same_process(pid, ticks):  # noqa: ASYNC110 there is no event to wait for
        await asyncio.sleep(_POLL_S)


@contextmanager
def _pidfd(pid: int) -> Iterator[int | None]:
    """Yield a pidfd of the process, or None when there is none.

    The kernel may not have them (macOS), or this process may have no descriptors left.

    Raises:
        ProcessLookupError: the process is gone.
    """
    descriptor = None
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except OSError as error:
            if error.errno in (errno.ESRCH, errno.EINVAL):
                raise ProcessLookupError(pid) from None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    gone: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _settle(gone))
    try:
        await gone
    finally:
        loop.remove_reader(descriptor)


def _settle(future: asyncio.Future[None]) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_result(None)
