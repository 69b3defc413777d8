"""The links between nodes, and the two ways to break them.

Every node has an address of its own and dials from it, so a link is a pair of addresses. `KernelLink` uses the
kernel's packet filter, which looks to the daemons like a broken cable; it needs a network of the run's own.
`ProxyLink` uses the forward proxy that the daemons dial through where there is no such network; only the proxy can
slow a link down. A scenario sees no difference: it names directions, and what happens to the packets on them.
"""

from __future__ import annotations

import json
import socket
import time
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from beehave.addresses import Address
from beehave.errors import HarnessError
from beehave.net.packet_filter import PacketFilter, packet_filter_obstacle
from beehave.net.ways import Effect, Probe, Request, Verdict, Way

CONTROL_BOUND_S = 10.0
"""The proxy's control port answers in a millisecond; a proxy that hangs is an error of the harness."""


class Network(StrEnum):
    """How links are broken in this run: `-D network=`."""

    KERNEL = "kernel"
    PROXY = "proxy"


def network_of(userdata: Mapping[str, str], *, private_network: bool) -> Network:
    """Return the value of `-D network=`; without it, `kernel` where that works and `proxy` elsewhere.

    Raises:
        HarnessError: the value is neither of the two, or `kernel` was requested and is impossible here.
    """
    word = userdata.get("network")
    if word is not None and word not in set(Network):
        raise HarnessError(f"network={word}: expected kernel or proxy (-D network=)")
    if word == Network.PROXY or (word is None and not private_network):
        return Network.PROXY
    reason = packet_filter_obstacle()
    if word is None:
        return Network.PROXY if reason else Network.KERNEL
    if reason:
        raise HarnessError(
            f"network=kernel: {reason}; `beehave doctor` says how to enable it, or give -D network=proxy"
        )
    return Network.KERNEL


class Link(ABC):
    """A mechanism that breaks links; `add` returns the number of a rule."""

    probe_path = "/"
    """What a probe asks for; any answer will do."""

    @abstractmethod
    def obstacle(self, effect: Effect) -> str | None:
        """Return why this effect is impossible, None when it is possible."""

    @abstractmethod
    def add(self, way: Way, effect: Effect) -> int:
        """Put a rule into force and return its number."""

    @abstractmethod
    def hits(self, number: int) -> int:
        """Return how often a rule has been applied so far."""

    @abstractmethod
    def remove(self, number: int) -> None:
        """Remove a rule; traffic that it held back continues."""

    @abstractmethod
    def dial(self, source: str, destination: Address, *, within_s: float) -> socket.socket:
        """Connect from the node at `source` to `destination`, as a daemon there would.

        Raises:
            OSError: the connection failed.
        """

    @abstractmethod
    def wire_form(self, request: Request, source: str, destination: Address) -> bytes:
        """Return a request as the node at `source` would send it on a connection of `dial`."""

    @abstractmethod
    def close(self) -> None:
        """Remove all rules."""

    def probe(self, source: str, destination: Address, *, within_s: float) -> Probe:
        """Send a request from the node at `source` to the daemon at `destination`, and read until it closes."""
        began = time.monotonic()
        received = 0
        verdict = Verdict.PASSED
        try:
            with self.dial(source, destination, within_s=within_s) as connection:
                connection.sendall(self.wire_form(Request("GET", self.probe_path), source, destination))
                while chunk := connection.recv(65536):
                    received += len(chunk)
                    connection.settimeout(max(0.001, began + within_s - time.monotonic()))
        except TimeoutError:
            verdict = Verdict.SILENT
        except OSError:
            verdict = Verdict.BROKEN
        if not received and verdict is Verdict.PASSED:
            verdict = Verdict.BROKEN
        return Probe(verdict, time.monotonic() - began, received)


class KernelLink(Link):
    """Links broken by the packet filter of the run's own network."""

    def __init__(self) -> None:
        self._filter: PacketFilter | None = None

    def obstacle(self, effect: Effect) -> str | None:
        """Return why this effect is impossible, None when it is possible."""
        if effect.shapes:
            return "the kernel of this machine cannot slow a link down; tag the scenario @link.shaping"
        return packet_filter_obstacle()

    def add(self, way: Way, effect: Effect) -> int:
        """Put a rule into force and return its number."""
        if self._filter is None:
            self._filter = PacketFilter()
        return self._filter.add(way, reset=effect.reset)

    def hits(self, number: int) -> int:
        """Return how many packets a rule has met."""
        return self._filter.packets(number) if self._filter else 0

    def remove(self, number: int) -> None:
        """Take a rule back."""
        if self._filter:
            self._filter.remove(number)

    def dial(self, source: str, destination: Address, *, within_s: float) -> socket.socket:
        """Connect from the node's own address."""
        address = (destination.host, destination.port)
        return socket.create_connection(address, timeout=within_s, source_address=(source, 0))

    def wire_form(self, request: Request, source: str, destination: Address) -> bytes:  # noqa: ARG002
        """Return a request in the origin form."""
        return request.encode(request.path, destination)

    def close(self) -> None:
        """Remove the filter."""
        if self._filter is not None:
            self._filter.close()
            self._filter = None


class ProxyLink(Link):
    """Links broken by the forward proxy that the daemons dial through (`beehave.net.proxy`)."""

    def __init__(self, proxy: Address, control: Address, names: Mapping[str, str]) -> None:
        """names: the host of each node that dials, by its name."""
        self._proxy = proxy
        self._control_address = control
        self._name_of = {host: name for name, host in names.items()}
        self._control: socket.socket | None = None

    def obstacle(self, effect: Effect) -> str | None:  # noqa: ARG002 - it can do all of them
        """Return why this effect is impossible: it never is."""
        return None

    def add(self, way: Way, effect: Effect) -> int:
        """Put a rule into force and return its number."""
        return int(self._ask({"op": "add", "rule": asdict(way) | asdict(effect)})["id"])

    def hits(self, number: int) -> int:
        """Return how often a rule has been applied so far."""
        return int(self._ask({"op": "hits", "id": number})["hits"])

    def remove(self, number: int) -> None:
        """Take a rule back; what it held up goes on."""
        self._ask({"op": "remove", "id": number})

    def dial(self, source: str, destination: Address, *, within_s: float) -> socket.socket:  # noqa: ARG002
        """Connect to the proxy, which reads from the request which node dials which."""
        return socket.create_connection((self._proxy.host, self._proxy.port), timeout=within_s)

    def wire_form(self, request: Request, source: str, destination: Address) -> bytes:
        """Return a request in the absolute form, with the name of the node that dials."""
        credentials = b64encode(f"{self._name_of[source]}:x".encode()).decode()
        own = {"Proxy-Authorization": f"Basic {credentials}"}
        return request.encode(f"{destination.url}{request.path}", destination, own)

    def close(self) -> None:
        """Close the control connection; the proxy itself is a process of the cluster."""
        if self._control is not None:
            self._control.close()
            self._control = None

    def _ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        if self._control is None:
            place = (self._control_address.host, self._control_address.port)
            self._control = socket.create_connection(place, timeout=CONTROL_BOUND_S)
        self._control.sendall(json.dumps(message).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            part = self._control.recv(4096)
            if not part:
                raise HarnessError(f"the proxy hung up on {message}")
            line += part
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise HarnessError(f"the proxy refuses {message}: {answer['error']}")
        return answer
