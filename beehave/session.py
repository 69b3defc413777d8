"""One run: its folder, journal, settings and addresses, and the world of the current scenario."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from beehave.addresses import AddressBook
from beehave.daemons import Daemons
from beehave.errors import HarnessError
from beehave.identity import Identity
from beehave.journal import Journal
from beehave.machine.cgroups import RunGroup
from beehave.process.table import ProcessTable
from beehave.settings import Settings, load_settings
from beehave.world import ScenarioInfo, World, WorldLike

REPORTS = "reports"
JOURNAL_NAME = "journal.ndjson"
SHARED = "shared"
"""Folder below the run's folder that its scenarios share; removed when the run ends."""


class SandboxLike(Protocol):
    """The part of the sandbox that a session needs."""

    @property
    def private_network(self) -> bool:
        """Whether the loopback addresses belong to this run alone."""
        ...

    @property
    def launcher_pid(self) -> int:
        """The PID that the user sees; unique among the runs of a machine."""
        ...


@dataclass
class Session:
    """The state of one run."""

    folder: Path
    run_folder: Path
    journal: Journal
    settings: Settings
    sandbox: SandboxLike
    addresses: AddressBook
    processes: ProcessTable
    seed: int
    """Seed of every random choice of this run; `-D seed=` repeats that of an earlier run."""
    userdata: Mapping[str, str] = field(default_factory=dict)
    memory_group: RunGroup = field(default_factory=RunGroup)
    world_type: Callable[[Daemons, ScenarioInfo, int], WorldLike] = World
    """Makes the world of each scenario: the project's class, or the kit's plain one."""
    daemons: Daemons | None = None
    world: WorldLike | None = None
    _scenario_folder: Path | None = None
    _numbered: int = field(default=0)

    @classmethod
    def open(
        cls,
        folder: Path,
        userdata: Mapping[str, str],
        sandbox: SandboxLike,
        *,
        world: type[WorldLike] = World,
        run_folder: Path | None = None,
    ) -> Session:
        """Begin a run of the project in `folder`.

        Raises:
            HarnessError: the settings are missing or wrong.
        """
        settings, seed = load_settings(folder, userdata, durations=world.durations_model), _seed(userdata)
        run_folder = run_folder or new_run_folder(folder, sandbox.launcher_pid)
        journal = Journal(run_folder / JOURNAL_NAME)
        addresses = AddressBook(private_network=sandbox.private_network)
        processes = ProcessTable(journal, folder)
        return cls(
            folder,
            run_folder,
            journal,
            settings,
            sandbox,
            addresses,
            processes,
            seed,
            dict(userdata),
            world_type=world,
        )

    def begin_scenario(self, name: str, tags: set[str]) -> WorldLike:
        """Make the world of a scenario, which starts what the scenario's tags require."""
        self._numbered += 1
        self.processes.clear()
        self._scenario_folder = self.run_folder / "scenarios" / f"{self._numbered:03d}-{slug(name)}"
        self.daemons = Daemons(
            settings=self.settings,
            journal=self.journal,
            folder=self._scenario_folder,
            shared_folder=self.run_folder / SHARED,
            addresses=self.addresses,
            processes=self.processes,
            memory_group=self.memory_group,
            userdata=self.userdata,
            private_network=self.sandbox.private_network,
        )
        self.world = self.world_type(self.daemons, ScenarioInfo(name, frozenset(tags)), self.seed)
        return self.world

    def end_scenario(self) -> list[str]:
        """Heal faults, close connections and stop all daemons of the scenario.

        Returns a sentence for each problem: a daemon that died although no step ended it, one that did not end
        in order, or a fault that could not be healed. Each fails the scenario.
        """
        if self.daemons is None:
            return []
        problems = self.processes.unexpected_deaths()
        if self.world is not None:  # else making the world itself failed
            problems += self.world.heal()
            self.world.hang_up()
        problems += self.processes.stop_all(self.daemons.stop_all_bound_s)
        self.daemons.close()
        self.daemons = self.world = None
        return problems

    def scenario_judged(self, *, failed: bool) -> None:
        """Keep the files of a failed scenario, remove those of a passed one (the journal has what was seen)."""
        if not failed and self._scenario_folder is not None:
            shutil.rmtree(self._scenario_folder, ignore_errors=True)
        self._scenario_folder = None

    @property
    def cgroup_roots(self) -> list[Path]:
        """The control groups that belong to this run, with all below them."""
        return self.memory_group.roots

    def expected_processes(self) -> set[Identity]:
        """Return the processes that outlive scenarios: none yet."""
        return set()

    def expected_orphans(self) -> set[Identity]:
        """Return the processes that a killed daemon left behind; the harness clears them away."""
        return self.processes.expected_orphans

    def close(self) -> None:
        """End the run: release the ports, remove the shared folder, close the journal."""
        self.addresses.close()
        self.memory_group.close()
        shutil.rmtree(self.run_folder / SHARED, ignore_errors=True)
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
