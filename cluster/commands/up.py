"""`beehave up`: a cluster on this machine's own loopback addresses, for a person, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

from beehave import sandbox
from beehave.addresses import Address, AddressBook
from beehave.output import say
from beehave.session import REPORTS, Session
from cluster.addresses import HUB_NODE
from cluster.cluster import DEFAULT_MODEL
from cluster.world import CLUSTER_TAG, World

API_KEY = "none"
"""The queen has no tokens to check yet, but OpenAI clients insist on sending one."""


@dataclass
class OpenNetwork:
    """No sandbox: the addresses are this machine's."""

    private_network: bool = False
    launcher_pid: int = 0


class FixedAddresses(AddressBook):
    """The product's own default ports, on 127.0.0.1 for the queen, so that a person can remember the URL."""

    def __init__(self) -> None:
        super().__init__(private_network=True)

    def address(self, node: int, port: int) -> Address:
        """Return the product's own port, and for each further hive the next: other hosts are not everywhere."""
        return Address("127.0.0.1", port + max(node - 1, 0) if node < HUB_NODE else port)


def run_cluster(folder: Path, *, hives: int, workers: int, config: Path | None) -> int:
    """Start the cluster, print how to use it, wait for a signal, end it; 0 when all ended as asked."""
    sandbox.enter(sandbox.SandboxMode.OFF, lambda _: None)  # its reaper ends the daemons if this process is killed
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ending.set())
    userdata = {"config": str(config)} if config else {}
    run_folder = folder / REPORTS / f"up-{os.getpid()}"
    session = Session.open(folder, userdata, OpenNetwork(), world=World, run_folder=run_folder)
    session.addresses = FixedAddresses()
    world = session.begin_scenario("up", {CLUSTER_TAG})
    assert isinstance(world, World)
    try:
        world.hives.start(hives, workers_each=workers)
        say(f"queen:   {world.cluster.queen.address.url}  (hives: {hives}, workers on each: {workers})")
        say(f"logs:    {world.cluster.folder}")
        say("OpenAI:  ")
        say(f"  export OPENAI_BASE_URL={world.cluster.queen.address.url}/v1 OPENAI_API_KEY={API_KEY}")
        say(f"  models: {DEFAULT_MODEL}")
        say("Ctrl-C ends it.")
        while not ending.wait(0.5):
            if died := session.processes.unexpected_deaths():
                say("\n".join(died))
                break
    except AssertionError as error:
        say(str(error))
        return 1
    finally:
        problems = session.end_scenario()
        session.close()
    for problem in problems:
        say(problem)
    return 1 if problems else 0
