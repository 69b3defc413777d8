"""Who listens where: each node has a loopback address of its own, each daemon one port on it.

In a sandbox nobody else is there and the ports are the product's own defaults. Outside, a port is leased for the
run: a socket is bound to it and never listens, so that no other run picks it, while the daemon can still listen
there because both sockets say SO_REUSEADDR (Linux allows that as long as only one of them listens).
"""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass

QUEEN_PORT = 8080
HIVE_PORT = 9200
HUB_PORT = 8088
HUB_NODE = 200
"""The node of the model hub; hives count up from 1."""
PROXY_PORT = 3128
PROXY_CONTROL_PORT = 3129
PROXY_NODE = 202
HIVES_NAMED = 64
"""How many hives the proxy knows by name: more than any scenario starts."""
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
    """Hands out the addresses of one run, the same for the same node each time it is asked."""

    def __init__(self, *, private_network: bool) -> None:
        self._private_network = private_network
        self._addresses: dict[tuple[int, int], Address] = {}
        self._leases: list[socket.socket] = []

    def queen(self) -> Address:
        """Return the queen's address."""
        return self._address(0, QUEEN_PORT)

    def hive(self, number: int) -> Address:
        """Return the address of hive `number`, from 1."""
        return self._address(number, HIVE_PORT)

    def hub(self) -> Address:
        """Return the model hub's address."""
        return self._address(HUB_NODE, HUB_PORT)

    def load_generator_host(self) -> str:
        """Return the host that the load generator dials from."""
        return _host(LOAD_NODE)

    def proxy(self) -> Address:
        """Return the forward proxy's address."""
        return self._address(PROXY_NODE, PROXY_PORT)

    def proxy_control(self) -> Address:
        """Return the address by which the forward proxy is told its rules."""
        return self._address(PROXY_NODE, PROXY_CONTROL_PORT)

    @staticmethod
    def diallers() -> dict[str, str]:
        """Return the host of each node whose daemons dial others, by the name that they give to the proxy."""
        return {"queen": _host(0)} | {f"hive-{number}": _host(number) for number in range(1, HIVES_NAMED + 1)}

    def close(self) -> None:
        """Give all leased ports back."""
        for lease in self._leases:
            lease.close()
        self._leases.clear()

    def _address(self, node: int, port: int) -> Address:
        key = (node, port)
        if key not in self._addresses:
            host = _host(node)
            self._addresses[key] = Address(host, port if self._private_network else self._lease(host))
        return self._addresses[key]

    def _lease(self, host: str) -> int:
        lease = socket.socket()
        # Bound without SO_REUSEADDR it gets a port that no other socket has, another run's lease included; set
        # afterwards, it lets the daemon bind beside it.
        lease.bind((host, 0))
        lease.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._leases.append(lease)
        return int(lease.getsockname()[1])


def _host(node: int) -> str:
    # Only Linux answers on all of 127.0.0.0/8 without being told.
    return f"127.1.{node}.1" if sys.platform == "linux" else "127.0.0.1"
