"""What is said of a link: its ways, what happens to the packets on them, and what a probe of a way has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from beehave.addresses import Address


@dataclass(frozen=True)
class Way:
    """One direction: the packets from one host to another, or of these only those from or to one daemon's port."""

    source: str
    destination: str
    source_port: int | None = None
    destination_port: int | None = None


@dataclass(frozen=True)
class Effect:
    """What happens to the packets on a way; the default is nothing."""

    drop: bool = False
    reset: bool = False
    delay_ms: float = 0
    bytes_per_s: float = 0

    @property
    def shapes(self) -> bool:
        """Whether packets arrive all the same, but later."""
        return bool(self.delay_ms or self.bytes_per_s)


class Verdict(StrEnum):
    """How a probe of a way went."""

    PASSED = "passed"
    SILENT = "silent"
    """Nothing came back in time."""
    BROKEN = "broken"
    """The connection was refused or reset."""


@dataclass(frozen=True)
class Probe:
    """One small request from one node to a daemon of another, made by the harness."""

    verdict: Verdict
    elapsed_s: float
    bytes_received: int = 0

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.verdict} after {self.elapsed_s * 1000:.0f} ms"


@dataclass(frozen=True)
class Request:
    """A request that the harness itself sends over a link, byte by byte."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def encode(self, target: str, to: Address, further: Mapping[str, str] | None = None) -> bytes:
        """Return its bytes; `target` is what stands in the request line."""
        own = {"Host": f"{to.host}:{to.port}", "Connection": "close", "Content-Length": str(len(self.body))}
        fields = {**own, **self.headers, **(further or {})}
        lines = [f"{self.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        return "\r\n".join(lines).encode() + self.body
