"""Runs behave as on a locked-down machine: no new namespaces, no control groups, no nft, no optional packages.

It is the kernel that refuses: in a user namespace of its own, root may set the limits for what is below to zero.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from beehave.sandbox import kernel


def main(arguments: list[str]) -> int:
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    kernel.make_mounts_private()
    if Path("/sys/fs/cgroup").is_dir():
        kernel.mount_tmpfs(Path("/sys/fs/cgroup"), size_bytes=4096)
    for kind in ("user", "pid"):
        Path(f"/proc/sys/user/max_{kind}_namespaces").write_text("0")
    os.environ["PATH"] = "/nowhere"
    sys.modules["openai"] = sys.modules["uvloop"] = None
    from behave.__main__ import main as behave

    return behave(arguments)


sys.exit(main(sys.argv[1:]))
