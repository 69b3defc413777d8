"""The signals that end a run, and the exit codes that stand for them."""

from __future__ import annotations

import os
import signal
from types import FrameType

ORDERLY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The first of them ends the run in order, the second at once."""

FORWARDED = (*ORDERLY, signal.SIGQUIT)
"""The signals that the launcher forwards; SIGQUIT ends the run at once and prints where it was."""

SAME_SIGNAL_WINDOW_S = 0.1
"""A signal counts as the second one only this long after the first: timeout(1) signals its child and then its whole
group, within microseconds; a person's second Ctrl-C takes longer."""


def wake_up_on_signals() -> int:
    """Return a descriptor that is readable after each signal that has a handler, SIGCHLD included.

    Waiting for it, and not in waitpid(2), closes a gap: Python only notes a signal when it comes, and a handler
    that was noted just before a system call begins would run only when that call returns.
    """
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _ignore)  # a signal without a handler does not write to the wake-up descriptor
    return woken


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the byte in the wake-up descriptor is all that is needed."""


def exit_code(wait_status: int) -> int:
    """Return the exit code as a shell does: the exit status, or 128 + N for an end by signal N."""
    code = os.waitstatus_to_exitcode(wait_status)
    return code if code >= 0 else 128 - code
