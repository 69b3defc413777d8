"""A signal to one process, as an accident or an operator sends it: KILL, TERM, HUP, any other that is not a pause."""

from __future__ import annotations

import signal

from beehave.conditions import eventually
from beehave.faults.base import Fault, FaultError
from beehave.identity import Identity
from beehave.journal import Journal

KILL_BOUND_S = 5.0
"""The kernel ends a killed process at once; giving hundreds of MiB back takes it tens of milliseconds."""


class SignalSent(Fault):
    """One signal to exactly that process. Nothing undoes it: what must come back is the product's to bring back."""

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
        """What is done to whom."""
        return f"{self._number.name} to {self._label} (pid {self._process.pid})"

    def inject(self) -> None:
        """Send it.

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
        """Show that the kernel has taken the signal, and of SIGKILL that the process has ended of it.

        What a process makes of any other signal is its own affair, and the scenario's.

        Raises:
            FaultError: it was not sent, or the process lives on.
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
        """Nothing to undo."""
