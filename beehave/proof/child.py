"""Runs of behave as child processes: each with its own folder and time limit, ended together with their caller."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from beehave.command_line import environment
from beehave.proof.judgement import Ending, Mark, Run, endings_of
from beehave.report.report import read_run
from beehave.session import JOURNAL_NAME

START_BOUND_S = 60.0
"""Time limit of behave's own start and end, on a busy machine."""
SCENARIO_BOUND_S = 120.0
"""Time limit of a scenario: the slowest one that is not nightly takes a quarter of it, and on a wrong product waits of
30 s (start-up, a deadline) may all be in vain."""
NIGHTLY_BOUND_S = 1800.0
"""Time limit of a scenario tagged @nightly: the longest takes ten minutes."""
END_GRACE_S = 40.0
"""Time from SIGTERM to a second one, which ends a run at once: a scenario's cleanups kill after at most 9 s."""
COMPLAINT_LINES = 15
LOG_NAME = "behave.log"


class StoppedError(Exception):
    """The proof is being ended; no further run is started."""


@dataclass(frozen=True)
class ScenarioSelection:
    """The scenarios of a run, and its options."""

    scenarios: Sequence[str]
    """Their ids: `features/x.feature::its name`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Passed to behave as `-D key=value`."""
    nightly: bool = False
    """Whether one of them has the tag @nightly."""

    @property
    def bound_s(self) -> float:
        """The time limit of the whole run."""
        return START_BOUND_S + len(self.scenarios) * (NIGHTLY_BOUND_S if self.nightly else SCENARIO_BOUND_S)

    def command(self, run_folder: Path) -> list[str]:
        """Return behave's command line; the run writes everything below `run_folder`."""
        files = dict.fromkeys(name.partition("::")[0] for name in self.scenarios)
        names = "|".join(re.escape(name.partition("::")[2]) for name in self.scenarios)
        command = [sys.executable, "-m", "behave", *files, "--name", f"^({names})( -- @.*)?$"]
        command += ["--format", "plain", "--no-color", "-D", f"run_folder={run_folder}"]
        for key, value in self.options.items():
            command += ["-D", f"{key}={value}"]
        if self.nightly:
            command += ["--tags", "@nightly or not @nightly"]
        return command


class Children:
    """The running children; starts them from several threads at once."""

    def __init__(self, folder: Path, *, options: Mapping[str, str] | None = None) -> None:
        """Run in the project `folder`, with `-D` options that every run is given."""
        self._folder = folder
        self._options = dict(options or {})
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def run(self, selection: ScenarioSelection, run_folder: Path) -> Run:
        """Run these scenarios and return how they ended.

        Raises:
            StoppedError: `end_all` was called before or during the run.
        """
        selection = ScenarioSelection(selection.scenarios, self._options | dict(selection.options), selection.nightly)
        run_folder.mkdir(parents=True)
        started = time.monotonic()
        with (run_folder / LOG_NAME).open("wb") as output:
            process = self._start(selection.command(run_folder), output.fileno())
        timed_out = False
        try:
            process.wait(selection.bound_s)
        except subprocess.TimeoutExpired:
            timed_out = True
            end(process)
        finally:
            with self._lock:
                self._running.discard(process)
        if self._stopped:
            raise StoppedError
        return outcome(selection, run_folder, timed_out=timed_out, seconds=time.monotonic() - started)

    def end_all(self) -> None:
        """End every run in order, and start no further one; a second call ends them at once."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.terminate()

    def _start(self, command: Sequence[str], output: int) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise StoppedError
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a terminal's Ctrl-C goes to the caller only, which then ends its runs
            )
            self._running.add(process)
            return process


def end(process: subprocess.Popen[bytes]) -> None:
    """End a run in order, else at once, else by SIGKILL, which also ends its sandbox."""
    for ask in (process.terminate, process.terminate, process.kill):
        ask()
        try:
            process.wait(END_GRACE_S)
        except subprocess.TimeoutExpired:
            continue
        return


def outcome(selection: ScenarioSelection, run_folder: Path, *, timed_out: bool, seconds: float) -> Run:
    """Read the outcome of a run from its journal, or from behave's output when it ran nothing."""
    journal, log = run_folder / JOURNAL_NAME, run_folder / LOG_NAME
    if journal.exists():
        report = read_run(journal)
        if report.scenarios:
            return Run(endings_of(report, selection.scenarios), timed_out, seconds)
    said = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    nothing = {name: Ending(name, Mark.UNFINISHED, message="it never began") for name in selection.scenarios}
    return Run(nothing, timed_out, seconds, "\n".join(said[-COMPLAINT_LINES:]))
