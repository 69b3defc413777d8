"""One run of the suite: its folder, journal, settings and addresses; and the cluster of the scenario under way."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from harness.addresses import AddressBook
from harness.cluster import Cluster
from harness.errors import HarnessError
from harness.identity import Identity
from harness.journal import Journal
from harness.links import Network, network_of
from harness.memory_groups import RunGroup
from harness.processes import ProcessTable
from harness.settings import Settings, load_settings
from harness.world import World

REPORTS = "reports"
JOURNAL_NAME = "journal.ndjson"
SHAPING_TAG = "link.shaping"
"""Scenarios with this tag slow links down, which only the proxy can: their daemons dial through it in either mode."""
CLUSTER_TAG = "cluster"
"""Scenarios with this tag find a queen and a model hub already started by the `before_scenario` hook."""


class SandboxLike(Protocol):
    """What a session needs to know of the sandbox that it runs in."""

    @property
    def private_network(self) -> bool:
        """Whether no one else can be on this machine's loopback addresses."""
        ...

    @property
    def launcher_pid(self) -> int:
        """The PID that whoever started the run sees; two runs never share it at one time."""
        ...


@dataclass
class Session:
    """What lives as long as the run does."""

    folder: Path
    run_folder: Path
    journal: Journal
    settings: Settings
    sandbox: SandboxLike
    addresses: AddressBook
    processes: ProcessTable
    seed: int
    """What every random choice of this run follows from; `-D seed=` gives an earlier run's again."""
    userdata: Mapping[str, str] = field(default_factory=dict)
    memory_group: RunGroup = field(default_factory=RunGroup)
    world: World | None = None
    _scenario_folder: Path | None = None
    _numbered: int = field(default=0)

    @classmethod
    def open(
        cls, folder: Path, userdata: Mapping[str, str], sandbox: SandboxLike, *, run_folder: Path | None = None
    ) -> Session:
        """Begin a run in the project `folder`.

        Raises:
            HarnessError: the settings are missing or wrong.
        """
        settings, seed = load_settings(folder, userdata), _seed(userdata)
        run_folder = run_folder or new_run_folder(folder, sandbox.launcher_pid)
        journal = Journal(run_folder / JOURNAL_NAME)
        addresses = AddressBook(private_network=sandbox.private_network)
        processes = ProcessTable(journal)
        return cls(folder, run_folder, journal, settings, sandbox, addresses, processes, seed, dict(userdata))

    def begin_scenario(self, name: str, tags: set[str]) -> World:
        """Make the world of a scenario; with the tag `@cluster`, start its queen and model hub."""
        self._numbered += 1
        self.processes.clear()
        self._scenario_folder = self.run_folder / "scenarios" / f"{self._numbered:03d}-{slug(name)}"
        cluster = Cluster(
            settings=self.settings,
            journal=self.journal,
            folder=self._scenario_folder,
            hub_folder=self.run_folder / "hub-models",
            addresses=self.addresses,
            processes=self.processes,
            memory_group=self.memory_group,
        )
        self.world = World(cluster, self.seed)
        if CLUSTER_TAG in tags:
            # Asked here and not when the run opens: the kernel's answer costs a run without a cluster 0.2 s.
            network = network_of(self.userdata, private_network=self.sandbox.private_network)
            if network is Network.PROXY or SHAPING_TAG in tags:
                cluster.spawn_proxy()
            cluster.spawn_hub()
            cluster.spawn_queen()
        return self.world

    def end_scenario(self) -> list[str]:
        """Heal, hang up and stop whatever the scenario left running.

        Returns a sentence for each thing that is wrong: a daemon that died although no step ended it, one that
        did not end when asked, or a fault that could not be healed. Each fails the scenario.
        """
        if self.world is None:
            return []
        problems = self.processes.unexpected_deaths()
        problems += self.world.heal()
        self.world.hang_up()
        problems += self.processes.stop_all(self.world.cluster.stop_bound_s)
        self.world.cluster.close()
        self.world = None
        return problems

    def scenario_judged(self, *, failed: bool) -> None:
        """Keep the files of a failed scenario, remove those of a passed one (the journal has what was seen)."""
        if not failed and self._scenario_folder is not None:
            shutil.rmtree(self._scenario_folder, ignore_errors=True)
        self._scenario_folder = None

    @property
    def cgroup_roots(self) -> list[Path]:
        """The control groups below which whatever appears is this run's."""
        return self.memory_group.roots

    def expected_processes(self) -> set[Identity]:
        """Return processes that live through scenarios: none yet."""
        return set()

    def expected_orphans(self) -> set[Identity]:
        """Return processes that a killed daemon left behind, which are the harness's to clear away."""
        return self.processes.expected_orphans

    def close(self) -> None:
        """End the run: give the ports back, remove the shared models, close the journal."""
        self.addresses.close()
        self.memory_group.close()
        shutil.rmtree(self.run_folder / "hub-models", ignore_errors=True)
        scenarios = self.run_folder / "scenarios"
        if scenarios.is_dir() and not any(scenarios.iterdir()):
            scenarios.rmdir()
        self.journal.close()


def _seed(userdata: Mapping[str, str]) -> int:
    given = userdata.get("seed")
    if given is None:
        return secrets.randbelow(1_000_000)
    try:
        return int(given)
    except ValueError:
        raise HarnessError(f"-D seed={given}: a seed is a whole number, as an earlier run printed it") from None


def new_run_folder(folder: Path, launcher_pid: int) -> Path:
    """Make the folder of a new run below `reports/`, named by time and PID, and point `reports/last` at it."""
    reports = folder / REPORTS
    name = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{launcher_pid}"
    run_folder = reports / name
    run_folder.mkdir(parents=True)
    last = reports / "last"
    fresh = reports / f".last-{name}"
    fresh.symlink_to(name)
    fresh.replace(last)  # atomic: two runs that end together leave one whole link
    return run_folder


def slug(name: str) -> str:
    """Return a scenario's name as a folder name: lower case, at most 60 characters."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
