"""What this machine lets a run do: probed by doing it, named so that a scenario can say `@needs.<name>`.

A scenario that needs what is missing is skipped with the reason, and the reason is shown: at once, in the closing
lines, in the journal and in the JUnit file.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from harness import sandbox
from harness.errors import HarnessError
from harness.sandbox import kernel, namespaces

TAG_PREFIX = "needs."


@dataclass(frozen=True)
class Capability:
    """One thing that a scenario may need."""

    name: str
    what: str
    obstacle: Callable[[], str | None]
    """Tries it in this process and returns why it is impossible, None when it is possible; leaves nothing behind."""
    how_to_enable: str


@dataclass(frozen=True)
class Finding:
    """What the probe of one capability found."""

    name: str
    what: str
    available: bool
    reason: str
    """Why not; empty when available."""
    how_to_enable: str


def find(name: str) -> Finding:
    """Probe one capability, once for each process.

    Raises:
        HarnessError: there is no capability of this name.
    """
    capability = _BY_NAME.get(name)
    if capability is None:
        raise HarnessError(_unknown(name))
    reason = _obstacle(name)
    return Finding(name, capability.what, reason is None, reason or "", capability.how_to_enable)


def missing(tags: Iterable[str]) -> str | None:
    """Return what a scenario with these tags lacks: `needs kernel_network: nft is not installed`, or None."""
    findings = [find(tag.removeprefix(TAG_PREFIX)) for tag in sorted(tags) if tag.startswith(TAG_PREFIX)]
    lacking = [f"needs {finding.name}: {finding.reason}" for finding in findings if not finding.available]
    return "; ".join(lacking) or None


def unknown_needs(tags: Iterable[str]) -> list[str]:
    """Return a sentence for each `@needs.` tag that names no capability; a typo must not skip a scenario for good."""
    names = [tag.removeprefix(TAG_PREFIX) for tag in sorted(tags) if tag.startswith(TAG_PREFIX)]
    return [_unknown(name) for name in names if name not in _BY_NAME]


def survey() -> list[Finding]:
    """Probe every capability inside a sandbox, as a run would find them.

    Raises:
        HarnessError: the probing process ended without an answer.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            sandbox.enter(sandbox.SandboxWish.AUTO, lambda _run: None)
            os.write(writer, json.dumps([asdict(find(capability.name)) for capability in ALL]).encode())
            sandbox.tell_launcher(finished=True)
        except BaseException:  # noqa: BLE001 - a forked copy of the caller must not run on as the caller
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    if not text:
        raise HarnessError("the process that probes this machine ended without an answer; its message is above")
    return [Finding(**finding) for finding in json.loads(text)]


@cache
def _obstacle(name: str) -> str | None:
    return _BY_NAME[name].obstacle()


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, _BY_NAME, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(_BY_NAME)}"
    return f"@needs.{name} names no capability of harness/capabilities.py. {hint}"


def _user_namespaces() -> str | None:
    if not kernel.IS_LINUX:
        return "this is not Linux"
    return namespaces.obstacle_to(kernel.CLONE_NEWUSER)


def _pid_namespace() -> str | None:
    return namespaces.obstacle() if kernel.IS_LINUX else "this is not Linux"


def _network_namespace() -> str | None:
    info = sandbox.current()
    return None if info.private_network else f"the sandbox of this run is {info.kind}: {info.reason}"


def _kernel_network() -> str | None:
    if obstacle := _network_namespace():
        return obstacle
    if shutil.which("nft") is None:
        return "nft is not installed"
    rules = (
        "table inet beehave_probe { chain c { type filter hook input priority 0; "
        "ip saddr 127.255.255.254 counter drop; } }\ndelete table inet beehave_probe\n"
    )
    done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False, timeout=10)
    return f"nft refuses a rule: {done.stderr.strip().splitlines()[0]}" if done.returncode else None


def _mount_tmpfs() -> str | None:
    info = sandbox.current()
    if not info.private_processes:
        return f"a mount would be seen by the whole machine: the sandbox of this run is {info.kind}: {info.reason}"
    folder = Path(mkdtemp(prefix="beehave-probe-"))
    try:
        kernel.mount_tmpfs(folder, size_bytes=4096)
        kernel.detach(str(folder))
    except OSError as error:
        return str(error.strerror)
    finally:
        folder.rmdir()
    return None


def _cgroup_memory() -> str | None:
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return "this is not Linux"
    reasons = []
    for group, limit in _memory_groups(lines, mounts):
        probe = group / f"beehave-probe-{os.getpid()}"
        try:
            probe.mkdir()
            found = (probe / limit).exists()
            probe.rmdir()
        except OSError as error:
            reasons.append(f"{group}: {error.strerror}")
            continue
        if found:
            return None
        reasons.append(f"{group}: a new group has no {limit}")
    return "; ".join(reasons) or "no control group file system with a memory controller is mounted"


def _memory_groups(own: list[str], mounts: list[str]) -> list[tuple[Path, str]]:
    """Return this process's own groups that may limit memory, v1 first, each with the name of the limit's file."""
    points: dict[str, Path] = {}
    for line in mounts:
        before, _, after = line.partition(" - ")
        kind, _source, options = after.split(" ", 2)
        if kind == "cgroup2" or (kind == "cgroup" and "memory" in options.split(",")):
            points.setdefault(kind, Path(before.split()[4]))
    groups = []
    for line in own:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(",") and "cgroup" in points:
            groups.append((points["cgroup"] / path.lstrip("/"), "memory.limit_in_bytes"))
        elif not controllers and "cgroup2" in points:
            groups.append((points["cgroup2"] / path.lstrip("/"), "memory.max"))
    return groups


def _pidfd() -> str | None:
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return "this Python or this system has no pidfd_open"
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return str(error.strerror)
    return None


def _subreaper() -> str | None:
    return None if kernel.IS_LINUX else "only Linux has PR_SET_CHILD_SUBREAPER"


def _module(name: str) -> Callable[[], str | None]:
    def obstacle() -> str | None:
        found = sys.modules.get(name, name) is not None and importlib.util.find_spec(name) is not None
        return None if found else f"the Python package {name} is not installed"

    return obstacle


_ALLOW_NAMESPACES = (
    "sysctl user.max_user_namespaces=15000; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0; in Docker "
    "--security-opt seccomp=unconfined --security-opt systempaths=unconfined (or --privileged)"
)

ALL = (
    Capability(
        "user_namespaces",
        "a process may become root of a user namespace",
        _user_namespaces,
        _ALLOW_NAMESPACES,
    ),
    Capability(
        "pid_namespace",
        "a run can have processes, mounts and network of its own",
        _pid_namespace,
        _ALLOW_NAMESPACES,
    ),
    Capability(
        "network_namespace",
        "this run has a network of its own",
        _network_namespace,
        f"run without sandbox=off. {_ALLOW_NAMESPACES}",
    ),
    Capability(
        "kernel_network",
        "nft can cut links inside the sandbox",
        _kernel_network,
        "install nftables (apt-get install nftables), and see network_namespace",
    ),
    Capability(
        "mount_tmpfs",
        "a file system of a fixed size can be mounted, to make a disk full",
        _mount_tmpfs,
        _ALLOW_NAMESPACES,
    ),
    Capability(
        "cgroup_memory",
        "a control group can limit memory, so that the kernel itself ends a process",
        _cgroup_memory,
        "systemd-run --user --scope -p Delegate=yes behave ..., or run as root",
    ),
    Capability("pidfd", "a process can be signalled without a race for its PID", _pidfd, "Linux 5.3 or later"),
    Capability("subreaper", "orphans are adopted by the run's reaper", _subreaper, "run on Linux"),
    Capability("openai", "the official client is there", _module("openai"), "pip install 'beehave[openai]'"),
    Capability("uvloop", "the daemons' quicker event loop", _module("uvloop"), "pip install 'beehave[fast]'"),
)

_BY_NAME = {capability.name: capability for capability in ALL}


def doctor(*, as_json: bool) -> int:
    """Print what this machine can do and how to enable the rest; always returns 0: to lack something is no error."""
    findings = survey()
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("capability", "what it is for", "here", title="What this machine lets a run do", title_justify="left")
    for finding in findings:
        here = "[green]yes[/]" if finding.available else f"[red]no:[/] {finding.reason}"
        table.add_row(finding.name, finding.what, here)
    console = Console()
    console.print(table)
    for finding in findings:
        if not finding.available:
            console.print(f"[bold]{finding.name}[/]: {finding.how_to_enable}", soft_wrap=True)
    return 0
