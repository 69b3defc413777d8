"""Both ways to break links, measured by traffic of the test's own; each fault is an error when it does not bite."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from beehave.addresses import Address
from beehave.errors import HarnessError
from beehave.faults.base import FaultError, FaultStack
from beehave.faults.link_fault import Crossing, LinkFault
from beehave.net import links
from beehave.net.links import KernelLink, Link, Network, ProxyLink, network_of
from beehave.net.ways import Effect, Request, Verdict, Way
from beehave.sandbox import kernel, namespaces
from tests.waiting import until

QUEEN, HIVE = "127.1.0.1", "127.1.1.1"
NAMES = {"queen": QUEEN, "hive-1": HIVE}
WITHIN_S = 2.0
SILENT_S = 0.15
IN_A_NETWORK_OF_ITS_OWN = "BEEHAVE_TEST_NETWORK"


class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "400")
        self.end_headers()
        self.wfile.write(b"a" * 400)

    def log_message(self, *_):
        pass


def serve(host: str) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((host, 0), Health)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


@pytest.fixture
def nodes():
    servers = [serve(QUEEN), serve(HIVE)]
    yield [Address(host, server.server_address[1]) for host, server in zip((QUEEN, HIVE), servers, strict=True)]
    for server in servers:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.fixture
def proxy(tmp_path):
    address, control = (Address("127.0.0.1", free_port()) for _ in range(2))
    config = {"host": address.host, "port": address.port, "control_port": control.port, "names": NAMES}
    path = tmp_path / "proxy.json"
    path.write_text(json.dumps(config))
    process = subprocess.Popen([sys.executable, "-m", "beehave.net.proxy", "--config", str(path)])

    def health() -> dict | None:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{address.url}/health", trust_env=False).json()

    told = until(health, "the proxy answers")
    assert (told["pid"], told["role"]) == (process.pid, "proxy")
    yield ProxyLink(address, control, NAMES)
    process.terminate()
    assert process.wait(5) == 0


@pytest.fixture(params=[KernelLink, ProxyLink])
def link(request):
    if request.param is KernelLink:
        if not os.environ.get(IN_A_NETWORK_OF_ITS_OWN):
            pytest.skip("runs in a network of its own, by test_the_kernels_way_in_a_network_of_its_own")
        made: Link = KernelLink()
    else:
        made = request.getfixturevalue("proxy")
    yield made
    made.close()


def both_ways(nodes) -> list[Crossing]:
    queen, hive = nodes
    return [Crossing(Way(QUEEN, HIVE), hive), Crossing(Way(HIVE, QUEEN), queen)]


def verdicts(link: Link, nodes, within_s: float = SILENT_S) -> list[Verdict]:
    queen, hive = nodes
    there, back = link.probe(QUEEN, hive, within_s=within_s), link.probe(HIVE, queen, within_s=within_s)
    return [there.verdict, back.verdict]


def test_the_kernels_way_in_a_network_of_its_own():
    if not kernel.IS_LINUX or namespaces.obstacle_to(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNET):
        pytest.skip("this machine allows no network namespace")
    program = (
        "import sys, pytest; from beehave.sandbox import kernel\n"
        "kernel.unshare(kernel.CLONE_NEWNET | (0 if kernel.may_administer() else kernel.CLONE_NEWUSER))\n"
        "kernel.bring_loopback_up()\n"
        "options = '-q -p no:cacheprovider -p no:xdist -p no:hypothesispytest -k KernelLink'.split()\n"
        f"sys.exit(pytest.main([*options, {__file__!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {IN_A_NETWORK_OF_ITS_OWN: "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
    assert " 0 passed" not in done.stdout


@pytest.mark.parametrize(
    ("effect", "within_s", "verdict"),
    [(Effect(drop=True), SILENT_S, Verdict.SILENT), (Effect(reset=True), WITHIN_S, Verdict.BROKEN)],
    ids=["cut", "reset"],
)
def test_a_broken_link_is_broken_both_ways_until_it_is_healed(link, nodes, journal, effect, within_s, verdict):
    assert verdicts(link, nodes, WITHIN_S) == [Verdict.PASSED, Verdict.PASSED]
    fault = LinkFault(link, journal, "the link", both_ways(nodes), effect)
    fault.inject()
    fault.verify()
    assert verdicts(link, nodes, within_s) == [verdict, verdict]
    fault.heal()
    fault.heal()
    assert verdicts(link, nodes, WITHIN_S) == [Verdict.PASSED, Verdict.PASSED]


def test_a_cut_of_one_way_counts_that_way_alone(link, nodes, journal):
    crossing = Crossing(Way(QUEEN, HIVE), nodes[1])
    fault = LinkFault(link, journal, "the way", [crossing], Effect(drop=True))
    fault.inject()
    fault.verify()
    other = link.add(Way("127.9.9.9", HIVE), Effect(drop=True))
    verdicts(link, nodes)
    assert link.hits(other) == 0
    link.remove(other)
    fault.heal()


def test_a_cut_stops_a_connection_that_stands(link, nodes):
    _, hive = nodes
    with link.dial(QUEEN, hive, within_s=WITHIN_S) as connection:
        rules = [link.add(Way(QUEEN, HIVE), Effect(drop=True)), link.add(Way(HIVE, QUEEN), Effect(drop=True))]
        connection.sendall(link.wire_form(Request("GET", "/health"), QUEEN, hive))
        connection.settimeout(SILENT_S)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        for rule in rules:
            link.remove(rule)
        connection.settimeout(5)
        assert connection.recv(4) == b"HTTP", "delivered when the link is whole again, as TCP does"


def test_ports_tell_two_daemons_of_one_host_apart(link, nodes, journal):
    _, hive = nodes
    worker = serve(HIVE)
    place = Address(HIVE, worker.server_address[1])
    crossings = [
        Crossing(Way(HIVE, HIVE, destination_port=place.port), place),
        Crossing(Way(HIVE, HIVE, source_port=place.port), None),
    ]
    fault = LinkFault(link, journal, "the link", crossings, Effect(drop=True))
    fault.inject()
    fault.verify()
    assert link.probe(HIVE, place, within_s=SILENT_S).verdict is Verdict.SILENT
    assert link.probe(HIVE, hive, within_s=WITHIN_S).verdict is Verdict.PASSED
    assert link.probe(QUEEN, place, within_s=WITHIN_S).verdict is Verdict.PASSED
    fault.heal()
    worker.shutdown()
    worker.server_close()


@pytest.mark.parametrize("effect", [Effect(drop=True), Effect(reset=True)], ids=["cut", "reset"])
def test_a_rule_that_nothing_meets_does_not_verify(link, nodes, journal, effect):
    crossing = Crossing(Way("127.9.9.9", HIVE), nodes[1])
    fault = LinkFault(link, journal, "the link", [crossing], effect)
    fault.inject()
    fault._crossings = both_ways(nodes)[:1]
    fault._rules = {Way(QUEEN, HIVE): fault._rules.popitem()[1]}
    with pytest.raises(FaultError, match="did not meet a probe"):
        fault.verify()
    fault.heal()


def test_the_kernel_does_not_slow_down_and_says_so(journal):
    stack = FaultStack(journal)
    with pytest.raises(HarnessError, match=r"@link\.shaping"):
        stack.add(LinkFault(KernelLink(), journal, "the link", [], Effect(delay_ms=1)))
    assert stack.heal_all() == []


@pytest.mark.parametrize(
    ("effect", "least_s"),
    [(Effect(delay_ms=50), 0.2), (Effect(bytes_per_s=4000), 0.1), (Effect(delay_ms=50, bytes_per_s=4000), 0.3)],
    ids=["latency", "bandwidth", "both"],
)
def test_a_slow_link_is_slow_and_whole(proxy, nodes, journal, effect, least_s):
    fault = LinkFault(proxy, journal, "the link", both_ways(nodes), effect)
    with pytest.raises(FaultError, match="there is no rule"):
        fault.verify()
    fault.inject()
    fault.verify()
    probe = proxy.probe(QUEEN, nodes[1], within_s=5)
    assert probe.verdict is Verdict.PASSED
    assert probe.elapsed_s >= least_s, "a handshake there and back, a request and its answer"
    fault.heal()
    assert proxy.probe(QUEEN, nodes[1], within_s=5).elapsed_s < least_s
    proxy.close()


def test_which_way_a_run_takes(monkeypatch):
    monkeypatch.setattr(links, "packet_filter_obstacle", lambda: None)
    assert network_of({}, private_network=True) is Network.KERNEL
    assert network_of({}, private_network=False) is Network.PROXY
    assert network_of({"network": "proxy"}, private_network=True) is Network.PROXY
    monkeypatch.setattr(links, "packet_filter_obstacle", lambda: "no nf_tables")
    assert network_of({}, private_network=True) is Network.PROXY
    with pytest.raises(HarnessError, match=r"network=kernel: no nf_tables; `beehave doctor` says"):
        network_of({"network": "kernel"}, private_network=True)
    with pytest.raises(HarnessError, match="expected kernel or proxy"):
        network_of({"network": "pigeon"}, private_network=True)
