"""A fault: memory of a device that another program takes away."""

from __future__ import annotations

from beehave import Fault, FaultError
from cluster.memory.ledger_file import LedgerFile


class DeviceTaken(Fault):
    """Another program holds a part of a device: it is booked in the device's ledger for this very process."""

    def __init__(self, ledger: LedgerFile, size_bytes: int) -> None:
        self._ledger = ledger
        self._size_bytes = size_bytes
        self._booking: str | None = None

    @property
    def name(self) -> str:
        """What is broken."""
        return f"{self._size_bytes} bytes of {self._ledger.path.name} taken by another program"

    def inject(self) -> None:
        """Book it."""
        self._booking = self._ledger.take(self._size_bytes)

    def verify(self) -> None:
        """Show that the ledger has it.

        Raises:
            FaultError: it has not.
        """
        mine = [each for each in self._ledger.bookings() if each.instance == self._booking]
        if [each.held_bytes for each in mine] != [self._size_bytes]:
            raise FaultError(f"{self.name}: the ledger has {mine}")

    def heal(self) -> None:
        """Give it back."""
        if self._booking is not None:
            self._ledger.give_back(self._booking)
            self._booking = None
