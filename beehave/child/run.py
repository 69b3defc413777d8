"""Runs of behave in child processes, observed from outside: how they end, and what is alive after them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from beehave.child.installed import installed_python
from beehave.child.records import ChildRecords
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.identity import Identity, descendants
from beehave.process.table import ManagedProcess, environment_for_children
from beehave.sandbox.signals import SAME_SIGNAL_WINDOW_S
from beehave.session import SHARED, Session

PROJECTS = Path("tests/projects")
"""Folder of small behave projects: features and steps only; the configuration is this project's own."""
CHILD_PYTHON = "child.python"
"""`-D child.python=`: a command that replaces the interpreter of the children, such as one with a changed harness."""
OWN_FILES = ("pyproject.toml", "beehave.toml")

START_BOUND_S = 30.0
"""Bound until a child has started its daemons: imports alone take 0.7 s, several times that on a busy machine."""
END_BOUND_S = 30.0
"""Bound until a child has ended by itself or after a signal; the longest cleanup of the projects takes under 1 s."""
GONE_BOUND_S = 5.0
"""Bound until every process is gone after behave: the kernel empties a PID namespace in milliseconds."""

_REAPERS = {"beehave-init", "beehave-reaper"}


@dataclass
class ChildBehave:
    """One run of behave on a copy of a project, and every process that was ever seen of it."""

    session: Session
    folder: Path
    marker: str = field(default_factory=lambda: f"mark-{uuid.uuid4().hex}")
    """A mark in the command line of every daemon of the run; unlike PIDs, it is the same in all PID namespaces."""
    seen: set[Identity] = field(default_factory=set)
    python: Path = Path(sys.executable)
    """The interpreter, which says what is installed."""
    _process: ManagedProcess | None = None
    _status_file: Path | None = None

    @classmethod
    def of_project(cls, session: Session, name: str, folder: Path) -> ChildBehave:
        """Copy a project, with this project's configuration and the hooks beside it where it has none of its own.

        Raises:
            HarnessError: there is no such project.
        """
        child = cls._copied(session, name, folder)
        for shared in [*(session.folder / PROJECTS).glob("*.py"), *(session.folder / own for own in OWN_FILES)]:
            if not (folder / shared.name).exists():
                shutil.copy(shared, folder)
        return child

    @classmethod
    def of_installed_project(cls, session: Session, name: str, folder: Path) -> ChildBehave:
        """Copy a project that has all it needs, and run it where only the wheel of our own project is installed.

        Raises:
            HarnessError: there is no such project, or no wheel can be built.
        """
        child = cls._copied(session, name, folder)
        child.python = installed_python(session.folder, session.run_folder / SHARED / "installed")
        return child

    @classmethod
    def _copied(cls, session: Session, name: str, folder: Path) -> ChildBehave:
        source = session.folder / PROJECTS / name
        if not source.is_dir():
            raise HarnessError(f"no project {name!r} in {PROJECTS}")
        shutil.copytree(source, folder)
        return cls(session, folder)

    def start(
        self,
        scenarios: list[str],
        *,
        sandbox: str,
        options: list[str] | None = None,
        reader: str | None = None,
        locked_down: bool = False,
    ) -> None:
        """Start behave.

        Args:
            scenarios: names of scenarios to select; all when empty.
            sandbox: the value of `-D sandbox=`.
            options: more of behave's own arguments.
            reader: a command that standard output is piped into, and that may end before behave does.
            locked_down: whether to run as on a machine that forbids namespaces and has no control groups.
        """
        program = [str(self.folder / "locked_down.py")] if locked_down else ["-m", "behave"]
        command = [*self._interpreter(), *program]
        command += ["--no-color", *(options or [])]
        for name in scenarios:
            command += ["-n", f"^{re.escape(name)}$"]
        command += ["-D", f"sandbox={sandbox}", "-D", f"marker={self.marker}"]
        if reader:
            self._status_file = self.folder / "status"
            command = ["sh", "-c", f"{{ {shlex.join(command)}; echo $? > status; }} | {reader}"]
        self._process = self.session.processes.spawn(
            "behave",
            self.folder.name,
            command,
            log_path=self.log,
            env=self._environment(),
            cwd=self.folder,
        )
        self._process.ending_expected = True  # a run of behave ends by itself

    def run_beehave(self, arguments: str) -> tuple[int, str]:
        """Run a command of beehave to its end in the project; return its exit status and what it printed."""
        command = [*self._interpreter(), "-m", "beehave", *shlex.split(arguments)]
        return self._run(command, what=f"beehave {arguments}")

    def can_import(self, name: str) -> bool:
        """Look whether a module is installed, other than in the project's own folder."""
        look = "import importlib.util, sys; sys.exit(importlib.util.find_spec(sys.argv[1]) is None)"
        status, _ = self._run([str(self.python), "-I", "-c", look, name], what=f"import {name}")
        return status == 0

    @property
    def records(self) -> ChildRecords:
        """The records of the run."""
        return ChildRecords(self.session.journal, self.folder, self.log, self.marker)

    @property
    def log(self) -> Path:
        """The file of behave's output."""
        return self.folder.with_suffix(".log")

    @property
    def process(self) -> ManagedProcess:
        """The process that was started: what a user would see in the shell.

        Raises:
            HarnessError: none was started.
        """
        if self._process is None:
            raise HarnessError("no step has started behave yet")
        return self._process

    def wait(self) -> None:
        """Wait for behave's end, and watch its processes meanwhile.

        Raises:
            AssertionError: it did not end in time.
        """
        eventually(
            self.session.journal,
            "behave ends",
            self._look,
            lambda _: self.process.exit_status is not None,
            within_s=END_BOUND_S,
        )

    def status(self) -> int:
        """Return the exit status as a shell would, 128 + N for an end by signal N.

        Raises:
            HarnessError: it still runs.
        """
        status = self.process.exit_status
        if self._status_file is not None:  # that of behave, and not of the pipeline
            status = int(self._status_file.read_text(encoding="ascii"))
        if status is None:
            raise HarnessError(f"behave has not ended yet: {self.process.describe()}")
        status = status if status >= 0 else 128 - status
        self.session.journal.observe("exit status of behave", status=status)
        return status

    def wait_for_line(self, line: str) -> None:
        """Wait until a step or cleanup of the project has written a line; record the processes meanwhile.

        Raises:
            AssertionError: behave ended before, or it took too long.
        """
        eventually(
            self.session.journal,
            f"the project writes {line!r}",
            self._look,
            lambda _: line in self.records.lines(),
            within_s=START_BOUND_S,
            impossible=lambda: None if self.process.alive() else f"behave has ended:\n{self.records.output()}",
        )

    def send(self, number: signal.Signals, *, to: str) -> None:
        """Send a signal to one process of the run, or to the group that a terminal's Ctrl-C reaches.

        Args:
            number: the signal.
            to: `launcher`, `run`, `reaper` or `terminal`.
        """
        if to == "terminal":
            self.session.journal.record("signal", group=self.process.pid, signal=number.name, why="Ctrl-C")
            os.killpg(self.process.pid, number)  # it leads a session of its own, and so this group
            return
        target = self._part(to)
        self.session.processes.expected_orphans |= self.seen
        self.session.journal.record("signal", pid=target.pid, signal=number.name, why=f"ends behave's {to}")
        target.send(number)

    def send_again(self, number: signal.Signals, *, to: str, after_line: str) -> None:
        """Send a signal once more, after a line was written and not so soon that it counts as the same signal.

        Raises:
            AssertionError: the line never came.
        """
        sent = time.monotonic()
        self.wait_for_line(after_line)
        time.sleep(max(0.0, sent + 2 * SAME_SIGNAL_WINDOW_S - time.monotonic()))
        self.send(number, to=to)

    def survivors(self) -> list[str]:
        """Return the living processes of this run as text: those seen before, and those with the daemons' marker."""
        alive = {process for process in self.seen | self._daemons() if process.alive()}
        described = [process.describe() for process in sorted(alive)]
        self.session.journal.observe("survivors of behave", watched=len(self.seen), alive=described)
        return described

    def wait_until_nothing_is_alive(self) -> list[str]:
        """Wait until no process of this run is alive, and return those that are: an empty list.

        Raises:
            AssertionError: a process stays alive, which the message names; or no daemon was ever seen.
        """
        assert self.seen, "no process of this run was ever seen from outside"
        return eventually(
            self.session.journal,
            "nothing of the run is alive",
            self.survivors,
            lambda alive: not alive,
            within_s=GONE_BOUND_S,
        )

    def _interpreter(self) -> list[str]:
        words = shlex.split(self.session.userdata.get(CHILD_PYTHON, "{python}"))
        return [word.replace("{python}", str(self.python)) for word in words]

    def _environment(self) -> dict[str, str]:
        """Return the environment of the children; a command that replaces the interpreter is in our own project."""
        replaced = CHILD_PYTHON in self.session.userdata
        return environment_for_children({"PYTHONPATH": str(self.session.folder)} if replaced else {})

    def _run(self, command: list[str], *, what: str) -> tuple[int, str]:
        ended = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=END_BOUND_S,
            check=False,
        )
        self.session.journal.observe(what, status=ended.returncode, output=ended.stdout[-1000:])
        return ended.returncode, ended.stdout

    def _look(self) -> set[Identity]:
        """Record every process of the run that is visible now."""
        if self.process.alive():
            self.seen |= set(descendants(self.process.pid))
        self.seen |= self._daemons()
        return self.seen

    def _daemons(self) -> set[Identity]:
        found = set()
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if self.marker in command and (identity := Identity.of(process.pid)):
                found.add(identity)
        return found

    def _part(self, name: str) -> Identity:
        if name == "launcher" and self.process.identity is not None:
            return self.process.identity
        for process in descendants(self.process.pid):
            parent = process.parent_pid()
            own, above = _name(process.pid), _name(parent or 0)
            if (name == "reaper" and own in _REAPERS) or (name == "run" and above in _REAPERS and own == "behave"):
                return process
        raise HarnessError(f"no {name} below behave:\n{self.process.describe()}")


def _name(pid: int) -> str:
    try:
        return str(psutil.Process(pid).name())
    except psutil.NoSuchProcess:
        return ""
