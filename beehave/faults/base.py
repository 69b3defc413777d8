"""What every fault is: something that can say whether it is possible here, bite, show that it bites, and be undone."""

from __future__ import annotations

from abc import ABC, abstractmethod

from beehave.errors import HarnessError
from beehave.journal import Journal


class FaultError(HarnessError):
    """A fault that does not do what it says: the scenario would prove nothing, so it fails."""


class Fault(ABC):
    """One way to break one thing. Made anew for each use; the stack calls its four methods in their order."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What is broken and how, for the journal and for messages."""

    def available(self) -> str | None:
        """Return why this fault is impossible on this machine, None when it is possible."""
        return None

    @abstractmethod
    def inject(self) -> None:
        """Break it."""

    @abstractmethod
    def verify(self) -> None:
        """Show, without asking the product, that it is broken.

        Raises:
            FaultError: it is not.
        """

    @abstractmethod
    def heal(self) -> None:
        """Undo it; harmless when it is undone already."""


class FaultStack:
    """The faults in force, healed in reverse order whatever happens."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Inject a fault and see that it bites; from the injection on it will be healed.

        Raises:
            HarnessError: this machine cannot do it.
            FaultError: it does not bite.
        """
        if reason := fault.available():
            raise HarnessError(f"{fault.name}: {reason}; `beehave doctor` says how to enable it")
        self._faults.append(fault)
        fault.inject()
        self._journal.record("fault", fault=fault.name)
        fault.verify()

    def heal(self, fault: Fault) -> None:
        """Undo one fault now."""
        self._faults.remove(fault)
        fault.heal()
        self._journal.record("heal", fault=fault.name)

    def heal_last(self) -> None:
        """Undo the fault that was injected last."""
        if not self._faults:
            raise HarnessError("there is no fault to heal in this scenario")
        self.heal(self._faults[-1])

    def heal_all(self) -> list[str]:
        """Undo all that are in force, the last first; returns a sentence for each that could not be undone."""
        problems = []
        while self._faults:
            fault = self._faults[-1]
            try:
                self.heal(fault)
            except (HarnessError, OSError) as error:
                problems.append(f"{fault.name} could not be healed: {error}")
        return problems
