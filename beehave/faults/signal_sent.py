"""A signal to one process, as in an accident or by an operator: KILL, TERM, HUP, any other that is not a pause."""

from __future__ import annotations

import signal

from beehave.conditions import eventually
from beehave.faults.base import Fault, FaultError
from beehave.identity import Identity
from beehave.journal import Journal

KILL_BOUND_S = 5.0
"""The kernel ends a killed process at once; giving hundreds of MiB back takes it tens of milliseconds."""


class SignalSent(Fault):
    """One signal to exactly that process. It cannot be undone: recovery is up to the product."""

    def __init__(
        self, journal: Journal, role: str, label: str, process: Identity, number: signal.Signals, *, why: str
    ) -> None:
        self._journal = journal
        self._role = role
        self._label = label
        self._process = process
        self._number = number
        self._why = why
        self._sent = False

    @property
    def name(self) -> str:
        """The signal and its target."""
        return f"{self._number.name} to {self._label} (pid {self._process.pid})"

    def inject(self) -> None:
        """Send the signal.

        Raises:
            FaultError: the process is gone.
        """
        self._sent = self._process.send(self._number)
        self._journal.record(
            "signal",
            role=self._role,
            name=self._label,
            pid=self._process.pid,
            signal=self._number.name,
            why=self._why,
            sent=self._sent,
        )
        if not self._sent:
            raise FaultError(f"{self.name}: it is gone")

    def verify(self) -> None:
        """Verify that the kernel has taken the signal, and for SIGKILL that it has ended the process.

        What a process does on any other signal is for the scenario to judge.

        Raises:
            FaultError: it was not sent, or the process survived SIGKILL.
        """
        if not self._sent:
            raise FaultError(f"{self.name}: it was never sent")
        if self._number is not signal.SIGKILL:
            return
        try:
            eventually(
                self._journal,
                f"{self._label} is dead",
                self._process.alive,
                lambda alive: not alive,
                within_s=KILL_BOUND_S,
            )
        except AssertionError as error:
            raise FaultError(f"{self.name}: {error}") from error

    def heal(self) -> None:
        """Do nothing: a signal cannot be undone."""
