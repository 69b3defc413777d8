"""The sandbox without namespaces: a reaper between launcher and run, which outlives both and ends what they leave.

The reaper adopts every orphan below it (PR_SET_CHILD_SUBREAPER), so a daemon that forks twice and changes its
session is still found. It has a process group of its own, so that SIGKILL to the launcher's group does not reach it.
Should the reaper itself be killed, the run gets its parent death signal and the launcher cleans up.

Outside Linux there is no subreaper: the reaper then remembers the processes that it has seen below the run and ends
those. The scenarios do not cover that part.
"""

from __future__ import annotations

import os
import signal

from beehave.sandbox import kernel, reaper
from beehave.sandbox.link import Link


def hold(link: Link, life: int) -> None:
    """Become the reaper, and return in the run that it forks.

    Args:
        link: its writing side sends `reaper_pid`, `run_pid` and `ready`.
        life: a pipe whose other end the launcher holds as long as it lives.

    Raises:
        OSError: the kernel refused the subreaper or the fork.
    """
    kernel.set_process_name("beehave-reaper")
    own_pid = os.getpid()
    if kernel.IS_LINUX:
        kernel.become_subreaper()
    reaper.fork_run(life)
    if kernel.IS_LINUX:
        kernel.set_parent_death_signal(signal.SIGTERM)  # an orderly end is the best that is left then
    if os.getppid() != own_pid:
        os._exit(1)
    kernel.set_process_name("behave")
    link.send(reaper_pid=own_pid, run_pid=os.getpid(), ready=True)
