"""Facts about the sandbox that a run is in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SandboxKind(StrEnum):
    """How the run is isolated."""

    NAMESPACES = "namespaces"
    """PID 1 of a PID namespace, with mounts, network and IPC of its own."""
    PORTABLE = "portable"
    """A process tree that a reaper ends; network and mounts are the machine's."""
    NONE = "none"
    """Not entered: a dry run, or a use of the harness outside behave."""


class SandboxMode(StrEnum):
    """The mode requested by `-D sandbox=` or the environment variable BEEHAVE_SANDBOX."""

    AUTO = "auto"
    """Namespaces where the machine allows them, else portable."""
    REQUIRE = "require"
    """Namespaces, or no run at all."""
    OFF = "off"
    """Portable, also where namespaces would work."""


@dataclass(frozen=True)
class SandboxInfo:
    """The sandbox of this process."""

    kind: SandboxKind
    reason: str
    """Why it is not namespaces; empty when it is."""
    launcher_pid: int
    """The PID that the user sees, in the launcher's own PID namespace; two runs never share it."""
    entered_ms: float
    """How long entering took, in milliseconds."""

    @property
    def private_network(self) -> bool:
        """Whether the loopback addresses belong to this run alone."""
        return self.kind is SandboxKind.NAMESPACES

    @property
    def private_processes(self) -> bool:
        """Whether this run sees no processes but its own."""
        return self.kind is SandboxKind.NAMESPACES
