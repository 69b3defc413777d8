"""The process that the user sees: it starts the run in its sandbox, forwards signals, and exits as the run did."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from beehave.identity import Identity, descendants
from beehave.sandbox import kernel, reaper
from beehave.sandbox.link import Link
from beehave.sandbox.signals import FORWARDED, SAME_SIGNAL_WINDOW_S, exit_code, wake_up_on_signals

_ORDERLY_BOUND_S = 30
"""How long the cleanups of a run whose reaper was killed may take."""

Holder = Callable[[Link, int], None]


@dataclass(frozen=True)
class EndedRun:
    """How a run ended, as its launcher knows it."""

    exit_code: int
    """128 + N when signal N ended it."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the run sent with `sandbox.report_to_launcher`, such as the report's folder."""


@dataclass(frozen=True)
class Refusal:
    """Why the holder could not make the sandbox."""

    reason: str


def launch(hold: Holder, on_end: Callable[[EndedRun], None]) -> Link | Refusal:
    """Fork a holder and, through it, the run.

    Returns in two processes: in the run, with the link to its launcher; and in the caller with a refusal when the
    holder could not make the sandbox. Otherwise the caller becomes the launcher, calls `on_end` once the run has
    ended, and exits as the run did.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # otherwise both processes would write what is buffered
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    link = Link()
    life, launcher_alive = os.pipe()
    strangers = set(descendants(os.getpid()))  # with `server & exec behave`, a child that does not belong to this run
    if kernel.IS_LINUX:
        kernel.become_subreaper()  # should the reaper be killed, the launcher adopts the run
    holder = os.fork()
    if holder == 0:
        os.close(launcher_alive)
        link.keep_writer()
        try:
            hold(link, life)
        except Exception as error:  # noqa: BLE001 - a copy of the caller must never run on as the caller
            link.send(failed=getattr(error, "strerror", None) or repr(error))
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return link
    os.close(life)
    link.keep_reader()
    facts = _facts_of_holder(link)
    if "failed" in facts:
        os.waitpid(holder, 0)
        os.close(launcher_alive)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return Refusal(str(facts["failed"]))
    signals = _Signals(int(facts["reaper_pid"]), launcher_alive)
    signals.install()
    woken = wake_up_on_signals()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status = _wait(holder, woken)
    if os.WIFSIGNALED(status):
        _stand_in_for_reaper(facts.get("run_pid"), strangers)
    code = exit_code(status) if signals.second is None else 128 + signals.second
    run = EndedRun(code, facts | link.remaining_facts())
    return _end_like(_checked_status(run), on_end)


def _facts_of_holder(link: Link) -> dict[str, Any]:
    """Wait until the holder and the run that it forked have reported that they run, or why they cannot."""
    facts: dict[str, Any] = {}
    while "failed" not in facts and not facts.keys() >= {"reaper_pid", "ready"}:
        received = link.wait_for_facts()
        facts |= {"failed": "its holder ended"} if received is None else received
    return facts


def _wait(holder: int, woken: int) -> int:
    """Wait for the holder's end, running signal handlers meanwhile, and return its wait status."""
    while True:
        ended, status = os.waitpid(holder, os.WNOHANG)
        if ended:
            return status
        os.read(woken, 4096)


class _Signals:
    """Signal handling of the launcher: the first signal goes to the run, the second ends everything at once.

    Only the launcher can count signals: here each signal arrives once, while the run may get the same one from the
    terminal and, later, from here.
    """

    def __init__(self, reaper_pid: int, launcher_alive: int) -> None:
        self.second: int | None = None
        self._reaper_pid = reaper_pid
        self._launcher_alive = launcher_alive
        self._first_at: float | None = None

    def install(self) -> None:
        """Install the handlers, except for signals that the caller ignores (`nohup`, a script's background job)."""
        for number in FORWARDED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        now = time.monotonic()
        if self._first_at is None:
            self._first_at = now
        elif now - self._first_at >= SAME_SIGNAL_WINDOW_S and self.second is None:
            self.second = number
            os.close(self._launcher_alive)  # the reaper takes this for the launcher's death and ends everything
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._reaper_pid, number)  # not our child: its PID is not reused before the holder has ended


def _stand_in_for_reaper(run_pid: int | None, strangers: set[Identity]) -> None:
    """Clean up in place of a holder that was killed.

    The holder's end has sent the run its parent death signal. The launcher has adopted the run and its orphans,
    waits for the run's orderly end, and ends what is left. In namespaces (no `run_pid`) the kernel has ended all.
    """
    deadline = time.monotonic() + _ORDERLY_BOUND_S
    while run_pid is not None and run_pid not in reaper.reap_all() and time.monotonic() < deadline:
        time.sleep(0.01)
    reaper.end_descendants(spare=strangers)


def _checked_status(run: EndedRun) -> EndedRun:
    """Turn status 0 of a run that never reported `finished` into a failure: a step called os._exit(0)."""
    if run.exit_code == 0 and not run.facts.get("finished"):
        sys.stderr.write(
            "behave ended with status 0 in the middle of its run (os._exit in a step?): this is a failure\n"
        )
        return EndedRun(1, run.facts)
    return run


def _end_like(run: EndedRun, on_end: Callable[[EndedRun], None]) -> NoReturn:
    code = run.exit_code
    try:
        on_end(run)
    except Exception:  # noqa: BLE001 - there is no caller left to handle it: print it and fail the run
        traceback.print_exc()
        code = code or 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)
