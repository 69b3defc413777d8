"""Capabilities of this machine: probed by trying them, named so that a scenario can say `@needs.<name>`.

A scenario that needs a missing capability is skipped with the reason, which is shown at once, in the closing lines, in
the journal and in the JUnit file.
"""

from __future__ import annotations

import difflib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache

from beehave import sandbox
from beehave.errors import HarnessError
from beehave.machine import probes
from beehave.net.packet_filter import packet_filter_obstacle

TAG_PREFIX = "needs."


@dataclass(frozen=True)
class Capability:
    """A feature of the machine that a scenario may need."""

    name: str
    what: str
    obstacle: Callable[[], str | None]
    """Tries it in this process, leaves nothing behind, and returns why it is impossible, None when it is possible."""
    how_to_enable: str


@dataclass(frozen=True)
class Finding:
    """The result of probing one capability."""

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
    """Return a sentence for each `@needs.` tag that names no capability; a typo must not skip a scenario forever."""
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
            sandbox.enter(sandbox.SandboxMode.AUTO, lambda _run: None)
            os.write(writer, json.dumps([asdict(find(capability.name)) for capability in ALL]).encode())
            sandbox.report_to_launcher(finished=True)
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
    return f"@needs.{name} names no capability of beehave/machine/capabilities.py. {hint}"


_ALLOW_NAMESPACES = (
    "sysctl user.max_user_namespaces=15000; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0; in Docker "
    "--security-opt seccomp=unconfined --security-opt systempaths=unconfined (or --privileged)"
)

ALL = (
    Capability(
        "user_namespaces",
        "a process may become root of a user namespace",
        probes.user_namespaces,
        _ALLOW_NAMESPACES,
    ),
    Capability(
        "pid_namespace",
        "a run can have processes, mounts and network of its own",
        probes.pid_namespace,
        _ALLOW_NAMESPACES,
    ),
    Capability(
        "network_namespace",
        "this run has a network of its own",
        probes.network_namespace,
        f"run without sandbox=off. {_ALLOW_NAMESPACES}",
    ),
    Capability(
        "kernel_network",
        "the kernel's packet filter can cut links inside the sandbox",
        packet_filter_obstacle,
        "modprobe nf_tables (CONFIG_NF_TABLES, CONFIG_NFT_REJECT), and see network_namespace",
    ),
    Capability(
        "mount_tmpfs",
        "a file system of a fixed size can be mounted, to make a disk full",
        probes.mount_tmpfs,
        _ALLOW_NAMESPACES,
    ),
    Capability(
        "cgroup_memory",
        "a control group can limit memory, so that the kernel itself ends a process",
        probes.cgroup_memory,
        "systemd-run --user --scope -p Delegate=yes behave ..., or run as root",
    ),
    Capability("pidfd", "a process can be signalled without a race for its PID", probes.pidfd, "Linux 5.3 or later"),
    Capability("subreaper", "orphans are adopted by the run's reaper", probes.subreaper, "run on Linux"),
    Capability("openai", "the official client is there", probes.module("openai"), "pip install 'beehave[openai]'"),
    Capability("uvloop", "the daemons' quicker event loop", probes.module("uvloop"), "pip install 'beehave[fast]'"),
)

_BY_NAME = {capability.name: capability for capability in ALL}


def doctor(*, as_json: bool) -> int:
    """Print what this machine can do and how to enable the rest; return 0, since a missing capability is no error."""
    findings = survey()
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
        return 0
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("capability", "what it is for", "here", title="What this machine lets a run do", title_justify="left")
    for finding in findings:
        here = "[green]yes[/]" if finding.available else f"[red]no:[/] {finding.reason}"
        table.add_row(finding.name, finding.what, here)
    console = Console()
    console.print(table)
    for finding in findings:
        if not finding.available:
            console.print(f"[bold]{finding.name}[/]: {escape(finding.how_to_enable)}", soft_wrap=True)
    return 0
