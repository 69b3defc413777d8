"""The sandbox of namespaces: PIDs, mounts, network and IPC of the run's own.

Four processes: the launcher (what the user sees), a holder that leaves the shared namespaces, PID 1 of the new PID
namespace (the reaper), and the run. The launcher itself leaves no namespace, so that it can still fall back to the
portable sandbox when a system call is refused half-way, and writes reports with its own user id.

When the run ends, PID 1 ends, and the kernel kills everything else in its namespace. When the launcher ends, the
parent death signal kills the holder, and the holder's end kills PID 1: so SIGKILL of any of the four ends them all.
"""

from __future__ import annotations

import errno
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path

from beehave.sandbox import kernel, reaper
from beehave.sandbox.link import Link
from beehave.sandbox.signals import FORWARDED, exit_code

_WORLD = kernel.CLONE_NEWPID | kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC

_HINTS = {
    errno.EPERM: ": forbidden here by a container's seccomp profile, an AppArmor profile or a sysctl",
    errno.ENOSPC: ": a limit such as user.max_user_namespaces is reached",
    errno.EINVAL: ": this kernel lacks them, or this process already runs threads",
}


def hold(link: Link, life: int) -> None:
    """Make the namespaces and return in the run inside them; the holder and PID 1 never return.

    Args:
        link: its writing side sends `reaper_pid` and `ready`.
        life: a pipe whose other end the launcher holds as long as it lives.

    Raises:
        OSError: the machine does not allow it, in the holder or in PID 1; the message says which step.
    """
    kernel.set_process_name("beehave-holder")
    try:
        _leave_shared_namespaces()
        kernel.make_mounts_private()
        kernel.bring_loopback_up()
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror}{_HINTS.get(error.errno or 0, '')}") from error
    # Only now: a change of credentials, as above, cancels an earlier request for a death signal.
    _die_with_parent(life)
    holder_alive, held = os.pipe()
    first_process = os.fork()
    if first_process == 0:
        os.close(held)
        kernel.set_process_name("beehave-init")
        _die_with_parent(holder_alive)
        os.close(holder_alive)
        kernel.mount_proc()
        reaper.fork_run(life)
        kernel.set_process_name("behave")
        link.send(ready=True)
        return
    os.close(holder_alive)
    link.send(reaper_pid=first_process)
    # The terminal's Ctrl-C reaches the holder too; the run decides what it means.
    for number in FORWARDED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    _, status = os.waitpid(first_process, 0)
    os._exit(exit_code(status))


def obstacle() -> str | None:
    """Try to make the whole sandbox in a throw-away process; return why it fails, None when it works."""
    return _obstacle_in_child(_try_world)


def obstacle_to(flags: int) -> str | None:
    """Try to leave only the namespaces in `flags`, in a throw-away process; return as `obstacle` does."""
    return _obstacle_in_child(lambda: kernel.unshare(flags))


def _try_world() -> None:
    _leave_shared_namespaces()
    kernel.make_mounts_private()
    kernel.bring_loopback_up()
    if reason := _obstacle_in_child(kernel.mount_proc):
        raise OSError(errno.EPERM, reason)


def _obstacle_in_child(attempt: Callable[[], None]) -> str | None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError as error:
            os.write(writer, f"{error.strerror}{_HINTS.get(error.errno or 0, '')}".encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as answer:
        reason = answer.read()
    os.waitpid(child, 0)
    return reason or None


def _die_with_parent(parent_alive: int) -> None:
    """Request SIGKILL for the parent's end; the pipe shows whether the parent ended before the request."""
    kernel.set_parent_death_signal(signal.SIGKILL)
    poll = select.poll()
    poll.register(parent_alive, 0)  # POLLHUP is always reported
    if poll.poll(0):
        os._exit(1)


def _leave_shared_namespaces() -> None:
    if kernel.may_administer():
        try:
            kernel.unshare(_WORLD)
        except OSError as error:
            if error.errno != errno.EPERM:
                raise
        else:
            return
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(_WORLD | kernel.CLONE_NEWUSER)
    # Root inside: programs keep their capabilities over execve only for user 0. An unprivileged user may map only
    # itself, and its group only once setgroups(2) is denied (user_namespaces(7)).
    own = Path("/proc/self")
    (own / "setgroups").write_text("deny", encoding="ascii")
    (own / "uid_map").write_text(f"0 {user} 1", encoding="ascii")
    (own / "gid_map").write_text(f"0 {group} 1", encoding="ascii")
