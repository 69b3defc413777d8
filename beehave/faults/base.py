"""The interface of every fault: whether it is possible here, inject, verify that it took effect, heal."""

from __future__ import annotations

from abc import ABC, abstractmethod

from beehave.errors import HarnessError
from beehave.journal import Journal


class FaultError(HarnessError):
    """A fault had no effect: the scenario would prove nothing, so it fails."""


class Fault(ABC):
    """One way to break one thing. Made anew for each use; the stack calls its four methods in order."""

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
        """Verify, without the product's help, that the fault has taken effect.

        Raises:
            FaultError: it has not.
        """

    @abstractmethod
    def heal(self) -> None:
        """Undo the fault; a second call does nothing."""


class FaultStack:
    """The faults in force, healed in reverse order however the scenario ends."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Inject a fault and verify it; once injected, it will be healed.

        Raises:
            HarnessError: this machine cannot do it.
            FaultError: the fault has no effect.
        """
        if reason := fault.available():
            raise HarnessError(f"{fault.name}: {reason}; `beehave doctor` says how to enable it")
        self._faults.append(fault)
        fault.inject()
        self._journal.record("fault", fault=fault.name)
        fault.verify()

    def heal(self, fault: Fault) -> None:
        """Heal one fault now."""
        self._faults.remove(fault)
        fault.heal()
        self._journal.record("heal", fault=fault.name)

    def heal_last(self) -> None:
        """Heal the fault that was injected last."""
        if not self._faults:
            raise HarnessError("there is no fault to heal in this scenario")
        self.heal(self._faults[-1])

    def heal_all(self) -> list[str]:
        """Heal all faults, the last one first; return a sentence for each that could not be healed."""
        problems = []
        while self._faults:
            fault = self._faults[-1]
            try:
                self.heal(fault)
            except (HarnessError, OSError) as error:
                problems.append(f"{fault.name} could not be healed: {error}")
        return problems
