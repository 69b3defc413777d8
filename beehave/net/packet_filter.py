"""The kernel's packet filter (nftables) of the run's own network, set over netlink: no `nft` program is needed.

One table with one chain on the output hook; a rule matches source and destination address and, if given, ports, so
it cuts one direction of one link, established connections included. Each rule counts the packets that it matched.
"""

from __future__ import annotations

import importlib.util
import socket
from functools import cache
from typing import Any

from beehave import sandbox
from beehave.net.ways import Way

TABLE = "beehave"
CHAIN = "cuts"
ACCEPT = 1
DROP = 0
META_L4PROTO = 16
TRANSPORT_HEADER = 2
TCP = b"\x06"
TCP_FLAGS_OFFSET = 13
TCP_FLAG_RESET = b"\x04"
NONE = b"\x00"
REJECT_WITH_TCP_RESET = 1


class PacketFilter:
    """The filter rules of one run. Needs a network namespace of its own with CAP_NET_ADMIN in it."""

    def __init__(self, table: str = TABLE) -> None:
        from pyroute2.netlink.nfnetlink.nftsocket import NFPROTO_IPV4  # only on Linux, and 0.2 s to import
        from pyroute2.nftables.main import NFTables

        self._table = table
        self._nft = NFTables(nfgen_family=NFPROTO_IPV4)
        self._nft.table("add", name=table)
        self._nft.chain("add", table=table, name=CHAIN, hook="output", type="filter", policy=ACCEPT, priority=0)

    def add(self, way: Way, *, reset: bool) -> int:
        """Add a rule that drops the packets or answers them with a TCP reset; return its handle."""
        from pyroute2.nftables.expressions import ipv4addr, verdict

        before = {rule.get_attr("NFTA_RULE_HANDLE") for rule in self._rules()}
        expressions = [
            *ipv4addr(src=way.source, dst=way.destination),
            _expression("meta", {"dreg": 1, "key": META_L4PROTO}),
            _equals(TCP),
            *_port(0, way.source_port),
            *_port(2, way.destination_port),
            *(_no_reset() if reset else []),
            _expression("counter", {}),
            *([_expression("reject", {"type": REJECT_WITH_TCP_RESET, "icmp_code": 0})] if reset else verdict(DROP)),
        ]
        self._nft.rule("add", table=self._table, chain=CHAIN, expressions=(tuple(expressions),))
        (handle,) = {rule.get_attr("NFTA_RULE_HANDLE") for rule in self._rules()} - before
        return int(handle)

    def packets(self, handle: int) -> int:
        """Return how many packets a rule has hit so far."""
        for rule in self._rules():
            if rule.get_attr("NFTA_RULE_HANDLE") == handle:
                for expression in rule.get_attr("NFTA_RULE_EXPRESSIONS"):
                    if expression.get_attr("NFTA_EXPR_NAME") == "counter":
                        return int(expression.get_attr("NFTA_EXPR_DATA").get_attr("NFTA_COUNTER_PACKETS"))
        return 0

    def remove(self, handle: int) -> None:
        """Remove one rule."""
        self._nft.rule("del", table=self._table, chain=CHAIN, handle=handle)

    def close(self) -> None:
        """Remove the table and close the socket."""
        self._nft.table("del", name=self._table)
        self._nft.close()

    def _rules(self) -> list[Any]:
        here = {"NFTA_RULE_TABLE": self._table, "NFTA_RULE_CHAIN": CHAIN}
        rules = self._nft.get_rules()
        return [rule for rule in rules if all(rule.get_attr(name) == value for name, value in here.items())]


@cache
def packet_filter_obstacle() -> str | None:
    """Try to add and remove a rule, once for each process; return why that is impossible, or None."""
    info = sandbox.current()
    if not info.private_network:
        return f"the sandbox of this run is {info.kind}: {info.reason}"
    if importlib.util.find_spec("pyroute2") is None:
        return "the Python package pyroute2 is not installed"
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        packets = PacketFilter(table="beehave-probe")
        try:
            packets.remove(packets.add(Way("127.255.255.254", "127.255.255.253"), reset=False))
        finally:
            packets.close()
    except (NetlinkError, OSError) as error:
        return f"the kernel refuses a filter rule: {error}"
    return None


def _expression(name: str, fields: dict[str, Any]) -> Any:
    from pyroute2.nftables.expressions import genex

    return genex(name, fields)


def _port(offset: int, port: int | None) -> list[Any]:
    if port is None:
        return []
    load = _expression("payload", {"dreg": 1, "base": TRANSPORT_HEADER, "offset": offset, "len": 2})
    return [load, _equals(socket.htons(port).to_bytes(2, "little"))]


def _no_reset() -> list[Any]:
    """Match all but resets: the reset that answers a packet travels on the same hook, and must arrive."""
    load = _expression("payload", {"dreg": 1, "base": TRANSPORT_HEADER, "offset": TCP_FLAGS_OFFSET, "len": 1})
    mask = {"mask": _value(TCP_FLAG_RESET), "xor": _value(NONE)}
    return [load, _expression("bitwise", {"sreg": 1, "dreg": 1, "len": 1, **mask}), _equals(NONE)]


def _equals(value: bytes) -> Any:
    return _expression("cmp", {"sreg": 1, "op": 0, "data": _value(value)})


def _value(value: bytes) -> dict[str, Any]:
    return {"attrs": [("NFTA_DATA_VALUE", value)]}
