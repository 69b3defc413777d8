"""The cluster of one scenario: queen, hives and model hub as processes, and what it takes to meet them."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.addresses import Address, AddressBook
from harness.conditions import eventually
from harness.errors import HarnessError
from harness.http import Answer, Client
from harness.journal import Journal
from harness.links import KernelLink, Link, ProxyLink
from harness.memory_groups import RunGroup
from harness.model_files import MIB, NEEDS
from harness.processes import ManagedProcess, ProcessTable, environment_for_children
from harness.settings import Durations, Settings
from harness.toml_writer import write_toml

MODELS = {"tiny:1b": MIB, "small:3b": 2 * MIB, "large:70b": 256 * MIB}
"""What the hub has, by reference and bytes of weights: two that load at once, one whose loading can be watched."""
MODELS |= dict.fromkeys(NEEDS, MIB) | {"understated:8b": 32 * MIB, "understated:200m": 200 * MIB}
"""Those of the scenarios about memory. What takes gigabytes takes them of a declared device, in steps, one for each MiB
of its file; only `understated:200m` takes the host's."""

FILLER_MODELS = tuple(f"filler-{number:02d}-{'x' * 96}:1k" for number in range(40))
"""Models of 1 KiB with long names: together their rows fill several pages of a database, and pulling them is quick."""

DEFAULT_MODEL = "tiny:1b"
TOKEN_INTERVAL_MS = 20
"""The pace of the suite's workers: 50 tokens a second, so that a stream of a second can be cut in its middle."""

ANSWERS_HEALTH = "answers /health as pid"
"""In the message about a daemon that never was ready, whose failure says nothing about what it does when it is."""
STOP_MARGIN_S = 2.0
"""What a daemon's ending takes beyond its waits: uvicorn's ticks (0.2 s) on a busy machine."""


@dataclass
class Daemon:
    """One daemon of the cluster: its place, its configuration, and the process that runs it now."""

    role: str
    name: str
    address: Address
    config: dict[str, Any]
    config_path: Path
    process: ManagedProcess
    client: Client
    instance: str | None = None


@dataclass
class Cluster:
    """Starts, meets and ends the daemons of one scenario."""

    settings: Settings
    journal: Journal
    folder: Path
    hub_folder: Path
    addresses: AddressBook
    processes: ProcessTable
    worker_options: dict[str, Any] = field(default_factory=dict)
    """Overrides of the hives' `[worker]` table, set by steps before the hives start."""
    hive_options: dict[str, Any] = field(default_factory=dict)
    """Further keys and tables of the hives' configuration, set by steps before they start."""
    memory_group: RunGroup = field(default_factory=RunGroup)
    """Where hives are to make the control groups of their workers."""
    queen_options: dict[str, Any] = field(default_factory=dict)
    """Further keys of the queen's configuration, set by steps before it starts."""
    duration_overrides: dict[str, int] = field(default_factory=dict)
    launchers: dict[str, list[str]] = field(default_factory=dict)
    """By role, what a daemon's command line is handed to: a program that changes itself and then becomes the daemon."""
    proxied: bool = False
    """Whether the daemons dial each other through the forward proxy, which `spawn_proxy` starts."""
    daemons: dict[str, Daemon] = field(default_factory=dict)

    @property
    def durations(self) -> Durations:
        """The durations that the daemons of this scenario run with."""
        return self.settings.durations.model_copy(update=self.duration_overrides)

    @property
    def queen(self) -> Daemon:
        """The queen.

        Raises:
            HarnessError: no step or tag has started one.
        """
        return self.daemon("queen")

    @property
    def hives(self) -> list[Daemon]:
        """The hives, in the order of their start."""
        return [daemon for daemon in self.daemons.values() if daemon.role == "hive"]

    def daemon(self, name: str) -> Daemon:
        """Return a daemon by its name.

        Raises:
            HarnessError: there is none of that name.
        """
        if name not in self.daemons:
            have = ", ".join(self.daemons) or "none"
            raise HarnessError(f"no daemon called {name!r} in this scenario; there is: {have}")
        return self.daemons[name]

    def spawn_hub(self) -> None:
        """Start the model hub; `wait_until_up` waits for it."""
        address = self.addresses.hub()
        path = self.folder / "hub.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        models = MODELS | dict.fromkeys(FILLER_MODELS, 1024)
        config = {"host": address.host, "port": address.port, "folder": str(self.hub_folder), "models": models}
        path.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "harness.hub"]
        self._spawn("hub", "hub", address=address, config=config, path=path, command=command)

    def spawn_proxy(self) -> None:
        """Start the forward proxy that every daemon started from now on dials through."""
        self.proxied = True
        address = self.addresses.proxy()
        config = {
            "host": address.host,
            "port": address.port,
            "control_port": self.addresses.proxy_control().port,
            "names": self.addresses.diallers(),
        }
        path = self.folder / "proxy.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "harness.proxy"]
        self._spawn("proxy", "proxy", address=address, config=config, path=path, command=command)

    def new_link(self) -> Link:
        """Return the way in which the links of this cluster can be broken."""
        if not self.proxied:
            return KernelLink()
        return ProxyLink(self.addresses.proxy(), self.addresses.proxy_control(), self.addresses.diallers())

    def spawn_queen(self) -> None:
        """Start the queen; `wait_until_up` waits for it."""
        address = self.addresses.queen()
        config = self._common(address, "queen") | self.queen_options
        path = self.folder / "queen.toml"
        write_toml(path, config)
        command = self.settings.daemons.queen
        self._spawn("queen", "queen", address=address, config=config, path=path, command=command)

    def spawn_hive(self, number: int, *, queen_url: str | None = None) -> Daemon:
        """Start hive `number`, called `hive-<number>`; `wait_until_up` waits for it."""
        name = f"hive-{number}"
        address = self.addresses.hive(number)
        config = self._common(address, name) | {
            "hive_id": name,
            "queen": {"url": queen_url or self.addresses.queen().url},
            "hub": {"url": self.addresses.hub().url},
            "worker": {
                "command": self.settings.daemons.worker,
                "slots": 4,
                "token_interval_ms": TOKEN_INTERVAL_MS,
            }
            | self.worker_options,
            **self.hive_options,
        }
        path = self.folder / f"{name}.toml"
        write_toml(path, config)
        command = self.settings.daemons.hive
        return self._spawn("hive", name, address=address, config=config, path=path, command=command)

    def restart(self, name: str) -> Daemon:
        """Start a daemon that has ended again: same configuration, same address, same data."""
        old = self.daemon(name)
        if old.process.alive():
            raise HarnessError(f"{name} still runs; end it before it is started again")
        command = {"queen": self.settings.daemons.queen, "hive": self.settings.daemons.hive}[old.role]
        return self._spawn(
            old.role, name, address=old.address, config=old.config, path=old.config_path, command=command
        )

    def wait_until_up(self, *names: str) -> None:
        """Wait until each named daemon (all, when none is named) answers `/health` as the process just started.

        Raises:
            AssertionError: it did not in the start-up bound, or it died; with its last log lines.
        """
        for name in names or tuple(self.daemons):
            daemon = self.daemon(name)
            daemon.instance = self._wait_for_health(daemon)["instance"]

    def wait_until_ready(self, name: str) -> None:
        """Wait until a daemon is up and has read its database too.

        Raises:
            AssertionError: it has not in the time of a start.
        """
        self.wait_until_up(name)
        client = self.daemon(name).client
        eventually(
            self.journal,
            f"{name} has read its database",
            lambda: client.get("/ready"),
            lambda answer: answer.status == 200,
            within_s=self.durations.start_up_ms / 1000,
        )

    def end(self, name: str, number: signal.Signals, *, why: str) -> None:
        """End a daemon by SIGKILL or another signal, and wait until it has ended.

        Raises:
            AssertionError: it did not end in the time that its drain, kill grace and ending take.
        """
        process = self.daemon(name).process
        if number == signal.SIGKILL:
            self.processes.kill(process, why=why)
            return
        process.signal(number, why=why)
        status = process.wait(self.stop_bound_s)
        assert status == 0, f"{name} was asked to end by {number.name}: {process.describe()}"

    @property
    def stop_bound_s(self) -> float:
        """How long a daemon's ending may take: a hive drains its own requests, then its workers, then kills."""
        return (2 * self.durations.drain_ms + self.durations.kill_grace_ms) / 1000 + STOP_MARGIN_S

    def block_sigterm_in_workers(self) -> None:
        """Let the hives start their workers with SIGTERM blocked: a blocked signal stays so through exec."""
        block = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); "
        launch = f"{block}os.execvp(sys.argv[1], sys.argv[1:])"
        self.worker_options["command"] = [sys.executable, "-c", launch, *self.settings.daemons.worker]

    def is_worker_command(self, argv: list[str]) -> bool:
        """Return whether a command line is the one that the hives were told to start workers by."""
        command = self.worker_options.get("command", self.settings.daemons.worker)
        return bool(argv[: len(command)] == command)

    def catalog_path(self, hive: str) -> Path:
        """Return the database file of a hive (docs/contract.md)."""
        return Path(self.daemon(hive).config["data_dir"]) / "hive.sqlite3"

    def close(self) -> None:
        """Close the clients; the processes are the table's to end."""
        for daemon in self.daemons.values():
            daemon.client.close()

    def _common(self, address: Address, name: str) -> dict[str, Any]:
        return {
            "data_dir": str(self.folder / f"{name}-data"),
            "listen": {"host": address.host, "port": address.port},
            "durations": self.durations.model_dump(),
        }

    def _spawn(
        self,
        role: str,
        name: str,
        *,
        address: Address,
        config: dict[str, Any],
        path: Path,
        command: list[str],
    ) -> Daemon:
        argv = [*self.launchers.get(role, []), *command, "--config", str(path)]
        process = self.processes.spawn(
            role, name, argv, log_path=self.folder / f"{name}.log", env=self._environment(name)
        )
        client = Client(self.journal, address.url)
        self.daemons[name] = Daemon(role, name, address, config, path, process, client)
        return self.daemons[name]

    def _environment(self, name: str) -> dict[str, str]:
        """Return the environment of a daemon; one that dials others is pointed at the proxy where there is one."""
        if not self.proxied or name not in self.addresses.diallers():
            return environment_for_children()
        proxy = self.addresses.proxy()
        url = f"http://{name}:x@{proxy.host}:{proxy.port}"
        return environment_for_children(HTTP_PROXY=url, http_proxy=url)

    def _wait_for_health(self, daemon: Daemon) -> dict[str, Any]:
        def is_this_process(answer: Answer) -> bool:
            return answer.status == 200 and answer.json["pid"] == daemon.process.pid

        answer = eventually(
            self.journal,
            f"{daemon.name} {ANSWERS_HEALTH} {daemon.process.pid}",
            lambda: daemon.client.get("/health", timeout_s=2),
            is_this_process,
            within_s=self.durations.start_up_ms / 1000,
            impossible=lambda: None if daemon.process.alive() else daemon.process.describe(),
        )
        return dict(answer.json)
