"""The processes that the harness starts: recorded before they exist, known by identity, judged at the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from beehave.errors import HarnessError
from beehave.identity import Identity, descendants
from beehave.journal import Journal

LOG_LINES_IN_MESSAGES = 8


@dataclass(eq=False)
class ManagedProcess:
    """One process started by the harness, from before its start until its end was seen.

    `ending_expected` is set by code that ends it on purpose; a process that ends otherwise fails the scenario.
    """

    role: str
    name: str
    argv: list[str]
    log_path: Path
    journal: Journal
    identity: Identity | None = None
    ending_expected: bool = False
    exits: frozenset[int] = frozenset({0})
    """The statuses of an orderly end, negative for a signal."""
    started_at: float = field(default_factory=time.monotonic)
    log_start: int = 0
    """Offset in bytes of its first line in its log: a daemon that is started again appends to the same file."""
    _popen: subprocess.Popen[bytes] | None = None
    _ending_recorded: bool = False

    @property
    def pid(self) -> int:
        """The PID.

        Raises:
            HarnessError: it was never started.
        """
        if self.identity is None:
            raise HarnessError(f"{self.role} {self.name} was never started")
        return self.identity.pid

    @property
    def exit_status(self) -> int | None:
        """The exit status, negative for a signal, None while it runs or before it started."""
        if self._popen is None:
            return None
        status = self._popen.poll()
        if status is not None and not self._ending_recorded:
            self._ending_recorded = True
            self.journal.record(
                "process_exited",
                role=self.role,
                name=self.name,
                pid=self._popen.pid,
                exit_status=status,
                how=describe_exit(status),
                expected=self.ending_expected,
                ran_ms=round((time.monotonic() - self.started_at) * 1000),
            )
        return status

    def alive(self) -> bool:
        """Return whether it was started and has not ended."""
        return self._popen is not None and self.exit_status is None

    def signal(self, number: signal.Signals, *, why: str) -> bool:
        """Send a signal, journalled with its reason; False when the process is gone.

        TERM, KILL, INT and QUIT make the ending an expected one.
        """
        if number in {signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGQUIT}:
            self.ending_expected = True
        sent = self.identity is not None and self.alive() and self.identity.send(number)
        self.journal.record(
            "signal",
            role=self.role,
            name=self.name,
            pid=self.identity.pid if self.identity else None,
            signal=number.name,
            why=why,
            sent=sent,
        )
        return sent

    def wait(self, timeout_s: float) -> int | None:
        """Wait for the end and return the exit status, None when it still runs after `timeout_s`."""
        if self._popen is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout_s)
        return self.exit_status

    def log_lines(self, *, since: int = 0) -> list[str]:
        """Return the log lines of this process, from the byte offset `since` on (see `log_mark`)."""
        if not self.log_path.exists():
            return []
        with self.log_path.open("rb") as log:
            log.seek(since)
            return log.read().decode("utf-8", errors="replace").splitlines()

    def log_mark(self) -> int:
        """Return the byte offset in its log at which the next line will be written."""
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def describe(self) -> str:
        """Return a description for messages: role, name, PID, how long it ran, how it ended, its last log lines."""
        status = self.exit_status
        fate = "is running" if status is None else describe_exit(status)
        pid = self.identity.pid if self.identity else "none"
        lines = "\n".join(f"    {line}" for line in self.log_lines()[-LOG_LINES_IN_MESSAGES:])
        age = time.monotonic() - self.started_at
        return f"{self.role} {self.name} (pid {pid}, started {age:.1f} s ago) {fate}; its last lines:\n{lines}"


class ProcessTable:
    """Every process that one scenario started, in the order of their start."""

    def __init__(self, journal: Journal, folder: Path | None = None) -> None:
        """folder: where the processes are started, unless another one is said; this process's own by default."""
        self._journal = journal
        self._folder = folder
        self._processes: list[ManagedProcess] = []
        self.expected_orphans: set[Identity] = set()
        """Children of processes that a step killed: they may live on, and the harness clears them away."""

    def all(self) -> list[ManagedProcess]:
        """Return all processes, the ended ones included."""
        return list(self._processes)

    def spawn(
        self,
        role: str,
        name: str,
        argv: Sequence[str],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        session: bool = True,
        exits: frozenset[int] = frozenset({0}),
    ) -> ManagedProcess:
        """Start a process with its output going to `log_path` and an empty standard input.

        It is in the table before it exists, so that it is found whatever fails later.

        Raises:
            HarnessError: the command cannot be executed.
        """
        process = ManagedProcess(role, name, list(argv), log_path, self._journal, exits=exits)
        self._processes.append(process)
        log_path.parent.mkdir(parents=True, exist_ok=True)
        process.log_start = process.log_mark()  # a daemon that is started again appends to its log
        try:
            with log_path.open("ab") as log:
                process._popen = subprocess.Popen(  # noqa: SLF001 - the table is the owner of its processes
                    process.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=dict(env) if env is not None else None,
                    cwd=cwd or self._folder,
                    start_new_session=session,
                )
        except OSError as error:
            self._processes.remove(process)  # it never existed, so its end must not be judged
            raise HarnessError(
                f"cannot start {role} {name}: {error.strerror}: {argv[0]!r}. Check the command line of `{role}` "
                "in beehave.toml"
            ) from error
        process.identity = Identity.of(process._popen.pid)  # noqa: SLF001 - see above; unreaped, so it is there
        self._journal.record(
            "process_started", role=role, name=name, pid=process.pid, argv=process.argv, log=log_path.name
        )
        return process

    def kill(self, process: ManagedProcess, *, why: str) -> None:
        """SIGKILL one process; its children are expected to live on and are cleared away at the end."""
        if process.identity is not None and process.alive():
            self.expected_orphans |= set(descendants(process.identity.pid))
        process.signal(signal.SIGKILL, why=why)
        process.wait(5)

    def unexpected_deaths(self) -> list[str]:
        """Return a sentence for each process that ended without being signalled by the harness."""
        return [
            f"died although no step ended it: {process.describe()}"
            for process in self._processes
            if process.exit_status is not None and not process.ending_expected
        ]

    def stop_all(self, grace_s: float) -> list[str]:
        """End what still runs: SIGTERM to all at once, SIGKILL to what is left after `grace_s`.

        Returns a sentence for each process that had to be killed or whose exit status is not one of its orderly ones.
        """
        running = [process for process in reversed(self._processes) if process.alive()]
        for process in running:
            process.signal(signal.SIGTERM, why="end of scenario")
        problems = []
        deadline = time.monotonic() + grace_s
        for process in running:
            status = process.wait(max(0.0, deadline - time.monotonic()))
            if status is None:
                problems.append(f"did not end within {grace_s:.1f} s of SIGTERM: {process.describe()}")
                self.kill(process, why="ignored SIGTERM at the end of the scenario")
            elif status not in process.exits:
                expected = " or ".join(describe_exit(each) for each in sorted(process.exits))
                problems.append(f"asked to end, it should have {expected}: {process.describe()}")
        return problems

    def clear(self) -> None:
        """Forget all processes; the next scenario starts with an empty table."""
        self._processes.clear()
        self.expected_orphans.clear()


def describe_exit(status: int) -> str:
    """Return an exit status as text: `exited 2`, or `was ended by SIGKILL`."""
    if status >= 0:
        return f"exited {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def environment_for_children(extra: Mapping[str, str] | None = None, *, roles: Iterable[str] = ()) -> dict[str, str]:
    """Return this process's environment for a child, without settings that would change it, plus `extra`.

    Left out are the settings of beehave and pytest, proxies, and for each of `roles` all variables that begin with
    its name in capital letters: a daemon called `web` is likely to read `WEB_PORT`.
    """
    prefixes = ("BEEHAVE_", "PYTEST_", *(f"{role.upper().replace('-', '_')}_" for role in roles))
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(prefixes) and key.lower() not in proxies
    }
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(extra or {})
