"""Addresses of a run: each node has its own loopback address, each daemon one port on it.

In a sandbox the network is private and the ports are the daemons' own defaults. Outside, a port is reserved for the
run: a socket is bound to it and never listens, so that no other run picks it, while the daemon can still listen
there because both sockets set SO_REUSEADDR (Linux allows that as long as only one of them listens).
"""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass

PROXY_PORT = 3128
PROXY_CONTROL_PORT = 3129
PROXY_NODE = 202
LOAD_NODE = 201
"""The node that the load generator dials from; nothing listens there."""


@dataclass(frozen=True)
class Address:
    """A place to listen and to dial."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Return the HTTP URL, without a trailing slash."""
        return f"http://{self.host}:{self.port}"


class AddressBook:
    """The addresses of one run; the same node and port always get the same address."""

    def __init__(self, *, private_network: bool) -> None:
        self._private_network = private_network
        self._addresses: dict[tuple[int, int], Address] = {}
        self._held: list[socket.socket] = []
        self._nodes: dict[str, int] = {}

    def address(self, node: int, port: int) -> Address:
        """Return the address of a node's daemon whose default port is `port`."""
        key = (node, port)
        if key not in self._addresses:
            host = host_of(node)
            self._addresses[key] = Address(host, port if self._private_network else self._hold_port(host))
        return self._addresses[key]

    def named(self, name: str, port: int) -> Address:
        """Return the address of a daemon without a node number: each name gets a node, counted from 1."""
        return self.address(self._nodes.setdefault(name, len(self._nodes) + 1), port)

    def load_generator_host(self) -> str:
        """Return the host that the load generator dials from."""
        return host_of(LOAD_NODE)

    def proxy(self) -> Address:
        """Return the forward proxy's address."""
        return self.address(PROXY_NODE, PROXY_PORT)

    def proxy_control(self) -> Address:
        """Return the address of the forward proxy's control port."""
        return self.address(PROXY_NODE, PROXY_CONTROL_PORT)

    def close(self) -> None:
        """Release all reserved ports."""
        for held in self._held:
            held.close()
        self._held.clear()

    def _hold_port(self, host: str) -> int:
        held = socket.socket()
        # Bound without SO_REUSEADDR, the socket gets a port that no other socket has, another run's reserved ports
        # included; set afterwards, the option lets the daemon bind the same port.
        held.bind((host, 0))
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.append(held)
        return int(held.getsockname()[1])


def host_of(node: int) -> str:
    """Return the host of a node: only Linux answers on all of 127.0.0.0/8 without configuration."""
    return f"127.1.{node}.1" if sys.platform == "linux" else "127.0.0.1"
