"""A process that stops dead and goes on later: SIGSTOP and SIGCONT, to exactly that process."""

from __future__ import annotations

import signal
import time

import psutil

from beehave.conditions import eventually
from beehave.faults.base import Fault, FaultError
from beehave.identity import Identity
from beehave.journal import Journal

STOP_BOUND_S = 2.0
"""The kernel stops a thread on its way back to user mode: at once, unless it is in the middle of a disk write."""


class Pause(Fault):
    """One process paused; `seconds` is how long it was, once it goes on."""

    def __init__(self, journal: Journal, label: str, process: Identity) -> None:
        self._journal = journal
        self._label = label
        self._process = process
        self._paused_at: float | None = None
        self.seconds = 0.0

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._label} (pid {self._process.pid}) paused by SIGSTOP"

    def inject(self) -> None:
        """Stop it.

        Raises:
            FaultError: it is gone.
        """
        if not self._process.send(signal.SIGSTOP):
            raise FaultError(f"cannot pause {self._label}: its process {self._process} is gone")
        self._paused_at = time.monotonic()

    def verify(self) -> None:
        """Show that the kernel calls it stopped.

        Raises:
            FaultError: it runs.
        """
        try:
            eventually(
                self._journal,
                f"{self._label} is stopped",
                self._process.state,
                lambda state: state == psutil.STATUS_STOPPED,
                within_s=STOP_BOUND_S,
            )
        except AssertionError as error:
            raise FaultError(f"the pause does not bite: {error}") from error

    def heal(self) -> None:
        """Let it go on; a process that is gone by now has nothing to go on with."""
        if self._paused_at is not None and self._process.send(signal.SIGCONT):
            self.seconds = time.monotonic() - self._paused_at
        self._paused_at = None
