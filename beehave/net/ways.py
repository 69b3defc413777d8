"""Directions of a link, effects on their packets, and results of probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from beehave.addresses import Address


@dataclass(frozen=True)
class Way:
    """One direction of a link: all packets from one host to another, or only those from or to one daemon's port."""

    source: str
    destination: str
    source_port: int | None = None
    destination_port: int | None = None


@dataclass(frozen=True)
class Effect:
    """What happens to the packets in one direction; by default nothing."""

    drop: bool = False
    reset: bool = False
    delay_ms: float = 0
    bytes_per_s: float = 0

    @property
    def shapes(self) -> bool:
        """Whether packets are only delayed."""
        return bool(self.delay_ms or self.bytes_per_s)


class Verdict(StrEnum):
    """The result of a probe."""

    PASSED = "passed"
    SILENT = "silent"
    """Nothing came back in time."""
    BROKEN = "broken"
    """The connection was refused or reset."""


@dataclass(frozen=True)
class Probe:
    """A small request of the harness from one node to a daemon of another."""

    verdict: Verdict
    elapsed_s: float
    bytes_received: int = 0

    def __str__(self) -> str:
        """Return the result as text."""
        return f"{self.verdict} after {self.elapsed_s * 1000:.0f} ms"


@dataclass(frozen=True)
class Request:
    """A request that the harness itself sends over a link."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self, target: str, to: Address, further: Mapping[str, str] | None = None) -> bytes:
        """Return the request as bytes; `target` is the target in the request line."""
        own = {"Host": f"{to.host}:{to.port}", "Connection": "close", "Content-Length": str(len(self.body))}
        fields = {**own, **self.headers, **(further or {})}
        lines = [f"{self.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        return "\r\n".join(lines).encode() + self.body
