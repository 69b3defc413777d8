"""The parent of the run: adopts and reaps its orphans, forwards signals, and ends what the run leaves behind.

It is what PID 1 is on a machine, and in the namespace sandbox it is PID 1. It notices when the run ends, and when the
launcher ends, by a pipe which the launcher holds open as long as it lives; SIGKILL closes it too.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
import traceback
from collections.abc import Set
from types import FrameType

from beehave.identity import Identity, descendants
from beehave.sandbox import kernel
from beehave.sandbox.signals import FORWARDED, exit_code, wake_up_on_signals

_SAMPLE_INTERVAL_MS = 200
"""How often the process tree is recorded where orphans are not adopted (not Linux)."""
_SWEEP_BOUND_S = 10.0
"""When to give up on a process that SIGKILL does not end (uninterruptible sleep in the kernel)."""


def fork_run(life: int) -> None:
    """Fork the run and return in it; the caller becomes its reaper, exits as the run does, and never returns.

    Forwarded signals are blocked when this is called, and stay blocked in the run.

    Args:
        life: the pipe whose other end the launcher holds.
    """
    run = os.fork()
    if run == 0:
        os.close(life)
        return
    os.setpgid(0, 0)  # out of the launcher's group: neither Ctrl-C nor a kill of the whole group arrives here
    woken = wake_up_on_signals()

    def forward(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(run, number)

    for number in FORWARDED:
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    code = 1
    try:
        code = exit_code(_wait(run, woken, life))
    except Exception:  # noqa: BLE001 - a copy of the caller must never run on as the caller
        traceback.print_exc()
    finally:
        os._exit(code)


def end_descendants(remembered: Set[Identity] = frozenset(), *, spare: Set[Identity] = frozenset()) -> None:
    """SIGKILL every process below the caller, stopped ones included, again until none is left.

    Args:
        remembered: more processes to end, which may no longer be below the caller.
        spare: processes to leave alone.
    """
    deadline = time.monotonic() + _SWEEP_BOUND_S
    while time.monotonic() < deadline:
        left = set(descendants(os.getpid())) - spare | {seen for seen in remembered if seen.alive()}
        if not left:
            return
        for process in left:
            with contextlib.suppress(PermissionError):  # a set-user-id program: not ours to end
                process.send(signal.SIGKILL)
        reap_all()
        time.sleep(0.002)  # an orphan is adopted only when its parent's end is complete


def _wait(run: int, woken: int, life: int) -> int:
    """Reap orphans until the run has ended, end what it left, and return its wait status.

    When the launcher ends before the run, the run is ended too.
    """
    poll = select.poll()
    poll.register(woken, select.POLLIN)
    poll.register(life, 0)  # POLLHUP is always reported
    seen: set[Identity] = set()
    # Reap before the first wait: the run may have ended before SIGCHLD had a handler.
    while (status := reap_all().get(run)) is None:
        if not kernel.IS_LINUX:
            seen |= set(descendants(os.getpid()))
        events = dict(poll.poll(None if kernel.IS_LINUX else _SAMPLE_INTERVAL_MS))
        if life in events:  # the launcher was killed, so end the run
            os.kill(run, signal.SIGKILL)
            poll.unregister(life)
        if woken in events:
            os.read(woken, 4096)
    for number in FORWARDED:
        signal.signal(number, signal.SIG_IGN)  # from here on the PID may be another process's
    end_descendants(seen)
    return status


def reap_all() -> dict[int, int]:
    """Reap every child that has ended and return their wait statuses by PID."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while (reaped := os.waitpid(-1, os.WNOHANG))[0]:
            ended[reaped[0]] = reaped[1]
    return ended
