"""Where queen, hives and model hub listen: node 0 is the queen's, hives count up from 1."""

from __future__ import annotations

from beehave.addresses import Address, AddressBook, host_of

QUEEN_PORT = 8080
HIVE_PORT = 9200
HUB_PORT = 8088
HUB_NODE = 200
HIVES_NAMED = 64
"""How many hives the proxy knows by name: more than any scenario starts."""


class ClusterAddresses:
    """The addresses of this cluster's daemons in the book of a run."""

    def __init__(self, book: AddressBook) -> None:
        self._book = book

    def queen(self) -> Address:
        """Return the queen's address."""
        return self._book.address(0, QUEEN_PORT)

    def hive(self, number: int) -> Address:
        """Return the address of hive `number`, from 1."""
        return self._book.address(number, HIVE_PORT)

    def hub(self) -> Address:
        """Return the model hub's address."""
        return self._book.address(HUB_NODE, HUB_PORT)


def diallers() -> dict[str, str]:
    """Return the host of each node whose daemons dial others, by the name that they give to the proxy."""
    return {"queen": host_of(0)} | {f"hive-{number}": host_of(number) for number in range(1, HIVES_NAMED + 1)}
