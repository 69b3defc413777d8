"""The forward proxy: what passes, what waits, what is reset, and what it says to whom it does not know."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time

import pytest

from beehave.net.proxy import Proxy, read_head
from beehave.net.proxy_rules import Flow, Rule, Rules

pytestmark = pytest.mark.anyio
NAMES = {"queen": "127.1.0.1", "hive-1": "127.1.1.1"}


@pytest.fixture
def anyio_backend():
    return "asyncio"


def request(port: int, user: str = "queen", body: bytes = b"") -> bytes:
    who = base64.b64encode(f"{user}:x".encode()).decode()
    head = f"POST http://127.1.1.1:{port}/v1/x?y=1 HTTP/1.1\r\nHost: h\r\nProxy-Authorization: Basic {who}\r\n"
    return f"{head}Proxy-Connection: keep-alive\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Net:
    """A proxy on a real socket, and behind it a server that notes what it is asked and from where."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.peers: list[str] = []
        self.proxy = Proxy(NAMES)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        self.asked.append(head + await reader.readexactly(length))
        self.peers.append(writer.get_extra_info("peername")[0])
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n" + b"a" * 400)
        writer.close()

    @contextlib.asynccontextmanager
    async def up(self):
        server = await asyncio.start_server(self.answer, "127.1.1.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        front = await asyncio.start_server(self.proxy.serve, "127.0.0.1", 0)
        self.front = front.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            front.close()
            server.close()

    def rule(self, **effect) -> int:
        way = {"source": NAMES["queen"], "destination": NAMES["hive-1"]}
        return self.proxy.rules.control({"op": "add", "rule": way | effect})["id"]

    def hits(self, number: int) -> int:
        return self.proxy.rules.control({"op": "hits", "id": number})["hits"]

    async def ask(self, within_s: float = 5.0, **how) -> tuple[bytes, float]:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.front)
        try:
            writer.write(request(self.port, **how))
            async with asyncio.timeout(within_s):
                return await reader.read(), time.monotonic() - began
        finally:
            writer.close()


@pytest.fixture
async def net():
    async with Net().up() as net:
        yield net


async def test_a_request_is_passed_on_in_the_origin_form_from_the_host_of_its_dialler(net):
    answer, _ = await net.ask(body=b"hello")
    assert answer.endswith(b"a" * 400)
    assert net.asked == [b"POST /v1/x?y=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"]
    assert net.peers == [NAMES["queen"]]


async def test_nobody_unknown_is_served(net):
    assert (await net.ask(user="stranger"))[0] == b""
    assert net.asked == []
    with pytest.raises(ValueError, match="not a request of a known daemon"):
        read_head(request(1, user="stranger"), NAMES)


@pytest.mark.parametrize("other_way", [False, True], ids=["its way", "the way of its answer"])
async def test_what_is_dropped_waits_and_goes_on_when_the_rule_goes(net, other_way):
    way = {"source": NAMES["hive-1"], "destination": NAMES["queen"]} if other_way else {}
    number = net.rule(drop=True, **way)
    with pytest.raises(TimeoutError):
        await net.ask(0.1)
    assert (net.hits(number), net.asked) == (1, [])
    waiting = asyncio.create_task(net.ask())
    await asyncio.sleep(0.05)
    assert net.proxy.rules.control({"op": "remove", "id": number}) == {"hits": 2}
    assert (await waiting)[0].endswith(b"a" * 400)
    assert len(net.asked) == 2, "the one that was given up is delivered too, as TCP would"


async def test_a_rule_of_one_port_lets_the_others_pass(net):
    number = net.rule(drop=True, destination_port=net.port + 1)
    assert (await net.ask())[0].endswith(b"a")
    assert net.hits(number) == 0


async def test_a_reset_and_a_refused_connection_are_resets(net):
    number = net.rule(reset=True)
    with pytest.raises(ConnectionResetError):
        await net.ask()
    assert (net.hits(number), net.asked) == (1, [])
    net.proxy.rules.control({"op": "remove", "id": number})
    net.port = 1
    with pytest.raises(ConnectionResetError):
        await net.ask()


async def test_latency_is_that_of_a_handshake_and_a_way_and_does_not_add_up_over_pieces(net):
    number = net.rule(delay_ms=100)
    _, took_s = await net.ask(body=b"x" * 200_000)
    assert 0.2 <= took_s < 0.6, "one way: SYN and request, and not once for each of the pieces"
    assert net.hits(number) > 2


async def test_a_narrow_link_is_shared_by_its_connections(net):
    net.rule(bytes_per_s=20_000)
    answers = await asyncio.gather(net.ask(body=b"x" * 2000), net.ask(body=b"x" * 2000))
    assert 0.2 <= max(took_s for _, took_s in answers) < 1.0, "4,000 bytes at 20,000 a second"


async def test_control_says_what_it_does_not_know(net):
    for message in ({"op": "remove", "id": 9}, {"op": "hits"}, {"op": "dance"}, {}):
        assert "error" in net.proxy.rules.control(message)


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (Rule("a", "b"), True),
        (Rule("b", "a"), False),
        (Rule("a", "b", destination_port=80), True),
        (Rule("a", "b", destination_port=81), False),
        (Rule("a", "b", source_port=80), False),
    ],
)
def test_which_bytes_a_rule_is_about(rule, matches):
    assert Flow("a", "b", None, 80).matches(rule) is matches


async def test_without_rules_nothing_waits():
    async with asyncio.timeout(0):
        await Rules().pass_through(Flow("a", "b", None, 80), 10**9)
