"""Memory pressure: the limit of a control group, lowered below what its process will need."""

from __future__ import annotations

from beehave.errors import HarnessError
from beehave.faults.base import Fault, FaultError
from beehave.machine.cgroups import Group


class LimitLowered(Fault):
    """The limit of a control group, lowered to little more than what its process uses now (versions 1 and 2)."""

    def __init__(self, group: Group, room_bytes: int) -> None:
        """Take `room_bytes`, how much more memory the process may get."""
        self._group = group
        self._room_bytes = room_bytes
        self._before: int | None = None
        self.lowered_to: int | None = None
        """The limit as it is while the fault is in force, in bytes."""

    @property
    def name(self) -> str:
        """What is broken."""
        return f"the memory limit of {self._group.path.name} lowered to {self._room_bytes} bytes above its use"

    def available(self) -> str | None:
        """Return why the process has no group with a memory controller, None when it has one."""
        try:
            self._group.version  # noqa: B018 - it raises when there is none
        except HarnessError as error:
            return str(error)
        return None

    def inject(self) -> None:
        """Lower the limit."""
        self._before = self._group.limit_bytes
        self._group.set_limit(self._group.used_bytes + self._room_bytes)
        self.lowered_to = self._group.limit_bytes

    def verify(self) -> None:
        """Verify that the kernel has taken the limit.

        Raises:
            FaultError: the limit is as before, or leaves more room than it should.
        """
        now, used = self._group.limit_bytes, self._group.used_bytes
        if now is None or self._before is None or now >= self._before or now - used > 2 * self._room_bytes:
            raise FaultError(f"{self.name}: the limit is {now}, it was {self._before}, and {used} are used")

    def heal(self) -> None:
        """Restore the limit; a group that is gone with its process has none."""
        if self._before is not None and self._group.path.exists():
            self._group.set_limit(self._before)
        self._before = self.lowered_to = None
