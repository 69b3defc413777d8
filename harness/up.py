"""`beehave up`: a cluster on this machine's own loopback addresses, for a person, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

from harness import sandbox
from harness.addresses import HIVE_PORT, QUEEN_PORT, Address, AddressBook
from harness.cluster import DEFAULT_MODEL
from harness.output import say
from harness.session import REPORTS, Session

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

    def queen(self) -> Address:
        """Return the product's default address of a queen."""
        return Address("127.0.0.1", QUEEN_PORT)

    def hive(self, number: int) -> Address:
        """Return a port of its own for each hive: other addresses than 127.0.0.1 are not everywhere."""
        return Address("127.0.0.1", HIVE_PORT + number - 1)


def run_cluster(folder: Path, *, hives: int, workers: int, config: Path | None) -> int:
    """Start the cluster, print how to use it, wait for a signal, end it; 0 when all ended as asked."""
    sandbox.enter(sandbox.SandboxWish.OFF, lambda _: None)  # its reaper ends the daemons if this process is killed
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ending.set())
    userdata = {"config": str(config)} if config else {}
    run_folder = folder / REPORTS / f"up-{os.getpid()}"
    session = Session.open(folder, userdata, OpenNetwork(), run_folder=run_folder)
    session.addresses = FixedAddresses()
    world = session.begin_scenario("up", {"cluster"})
    try:
        world.start_hives(hives, workers_each=workers)
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
