"""A process that is paused and continued: SIGSTOP and SIGCONT, to exactly that process."""

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
    """One paused process; `seconds` is how long it was paused, once it continues."""

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
        """Stop the process.

        Raises:
            FaultError: it is gone.
        """
        if not self._process.send(signal.SIGSTOP):
            raise FaultError(f"cannot pause {self._label}: its process {self._process} is gone")
        self._paused_at = time.monotonic()

    def verify(self) -> None:
        """Verify that the kernel reports it as stopped.

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
        """Continue it; a process that is gone by now is ignored."""
        if self._paused_at is not None and self._process.send(signal.SIGCONT):
            self.seconds = time.monotonic() - self._paused_at
        self._paused_at = None
