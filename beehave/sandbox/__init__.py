"""The sandbox of a run: nothing that a scenario starts outlives behave, however behave ends.

`enter` is called once, while the process has a single thread. It returns in the process that goes on with the run;
the process that called it stays behind as the launcher and exits as the run does.
"""

from __future__ import annotations

import atexit
import os
import time
from collections.abc import Callable
from typing import Any

from beehave.errors import HarnessError
from beehave.sandbox import kernel, namespaces, portable
from beehave.sandbox.info import SandboxInfo, SandboxKind, SandboxMode
from beehave.sandbox.launcher import EndedRun, Refusal, launch
from beehave.sandbox.link import Link

__all__ = [
    "EndedRun",
    "SandboxInfo",
    "SandboxKind",
    "SandboxMode",
    "current",
    "enter",
    "enter_portable",
    "report_to_launcher",
    "requested_mode",
]

ENVIRONMENT_VARIABLE = "BEEHAVE_SANDBOX"

_current = SandboxInfo(SandboxKind.NONE, "no sandbox was entered", os.getpid(), 0.0)
_link: Link | None = None


def requested_mode(option: str | None) -> SandboxMode:
    """Return the requested mode: `-D sandbox=` if given, else the environment variable, else `auto`.

    Raises:
        HarnessError: the value is none of the three modes.
    """
    word = option or os.environ.get(ENVIRONMENT_VARIABLE) or SandboxMode.AUTO
    try:
        return SandboxMode(word.lower())
    except ValueError as error:
        known = ", ".join(SandboxMode)
        raise HarnessError(f"sandbox={word}: expected one of {known} (-D sandbox= or BEEHAVE_SANDBOX)") from error


def enter(mode: SandboxMode, on_child_end: Callable[[EndedRun], None]) -> SandboxInfo:
    """Continue inside a sandbox; the calling process becomes its launcher and never returns from here.

    Args:
        mode: see `SandboxMode`.
        on_child_end: called by the launcher when the run has ended, by SIGKILL too, before the launcher exits.

    Raises:
        HarnessError: namespaces are required and the machine does not allow them; the message says why.
    """
    started = time.monotonic()
    reason = "asked for by sandbox=off"
    if mode is not SandboxMode.OFF:
        outcome = launch(namespaces.hold, on_child_end) if kernel.IS_LINUX else Refusal("this is not Linux")
        if isinstance(outcome, Link):
            return _entered(SandboxKind.NAMESPACES, "", outcome, started)
        reason = outcome.reason
        if mode is SandboxMode.REQUIRE:
            raise HarnessError(
                f"sandbox=require, but namespaces are impossible: {reason}. `beehave doctor` says how to enable "
                "them; sandbox=auto runs without"
            )
    outcome = launch(portable.hold, on_child_end)
    if isinstance(outcome, Refusal):
        raise HarnessError(f"cannot fork a run with its reaper: {outcome.reason}")
    return _entered(SandboxKind.PORTABLE, reason, outcome, started)


def enter_portable() -> SandboxInfo:
    """Continue below a reaper, in the machine's own network: for a command that is not a run of behave."""
    info = enter(SandboxMode.OFF, lambda _run: None)
    atexit.register(report_to_launcher, finished=True)
    return info


def _entered(kind: SandboxKind, reason: str, link: Link, started: float) -> SandboxInfo:
    global _current, _link  # noqa: PLW0603 - a process is in one sandbox, and for good
    entered_ms = round((time.monotonic() - started) * 1000, 3)
    _current = SandboxInfo(kind, reason, link.launcher_pid, entered_ms)
    _link = link
    return _current


def current() -> SandboxInfo:
    """Return the sandbox that this process is in."""
    return _current


def report_to_launcher(**facts: Any) -> None:
    """Send facts to the launcher, which finds them in `EndedRun`, also when this process is killed later."""
    if _link is not None:
        _link.send(**facts)
