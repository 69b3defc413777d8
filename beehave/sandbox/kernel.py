"""System calls that Python 3.11 does not offer; each raises OSError with the name of the call."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path

# linux/sched.h
CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36

# linux/mount.h
_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_MS_NOEXEC = 0x8
_MS_REC = 0x4000
_MS_PRIVATE = 0x40000
_MNT_DETACH = 2

# linux/sockios.h, linux/if.h
_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1

# linux/capability.h
_CAP_SYS_ADMIN = 21

IS_LINUX = sys.platform == "linux"

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Leave some of the namespaces that the caller shares; a new PID namespace starts with its next child."""
    _check("unshare", _libc.unshare(ctypes.c_int(flags)))


def make_mounts_private() -> None:
    """Keep every later mount of this mount namespace from spreading to the others."""
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def mount_proc() -> None:
    """Mount a /proc that shows the caller's own PID namespace."""
    _mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def mount_tmpfs(folder: Path, *, size_bytes: int) -> None:
    """Mount an empty file system of a fixed size on a folder."""
    _mount("tmpfs", str(folder), "tmpfs", _MS_NOSUID | _MS_NODEV, f"size={size_bytes}")


def detach(mount_point: str) -> None:
    """Unmount what is on a folder, open files or not."""
    _check("umount2", _libc.umount2(os.fsencode(mount_point), ctypes.c_int(_MNT_DETACH)))


def set_parent_death_signal(number: signal.Signals) -> None:
    """Request a signal for the parent's end (PR_SET_PDEATHSIG); a change of credentials cancels the request."""
    _prctl(_PR_SET_PDEATHSIG, int(number))


def become_subreaper() -> None:
    """Have every orphaned descendant re-parent to the caller instead of to PID 1."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def set_process_name(name: str) -> None:
    """Set the name that `ps -o comm` shows, at most 15 bytes; errors are ignored, since it is a convenience."""
    if IS_LINUX:
        _libc.prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def bring_loopback_up() -> None:
    """Set the flag IFF_UP on `lo`, which a new network namespace leaves down; 127.0.0.0/8 answers from then on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def may_administer() -> bool:
    """Return whether the caller has CAP_SYS_ADMIN, without which namespaces need a user namespace first."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_SYS_ADMIN & 1)
    return False


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    result = _libc.mount(
        source.encode(),
        os.fsencode(target),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    _check(f"mount {kind or 'private'} on {target}", result)


def _prctl(option: int, value: int) -> None:
    if not IS_LINUX:
        raise OSError(errno.ENOSYS, "prctl: not on this system")
    _check("prctl", _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def _check(what: str, result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
