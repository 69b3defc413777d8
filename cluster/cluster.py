"""The cluster of one scenario: queen, hives and model hub as processes, and what it takes to meet them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from signal import Signals
from typing import Any

from beehave import Daemon, Daemons
from beehave.addresses import Address
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.toml_writer import write_toml
from cluster.addresses import ClusterAddresses, diallers
from cluster.durations import Durations
from cluster.model_files import MIB, NEEDS

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

STOP_MARGIN_S = 2.0
"""What a daemon's ending takes beyond its waits: uvicorn's ticks (0.2 s) on a busy machine."""


class Cluster:
    """Starts, meets and ends the daemons of one scenario."""

    def __init__(self, daemons: Daemons) -> None:
        self.daemons = daemons
        self.journal = daemons.journal
        self.folder = daemons.folder
        self.hub_folder = daemons.shared_folder / "hub-models"
        self.addresses = ClusterAddresses(daemons.addresses)
        self.processes = daemons.processes
        self.memory_group = daemons.memory_group
        self.worker_options: dict[str, Any] = {}
        """Overrides of the hives' `[worker]` table, set by steps before the hives start."""
        self.hive_options: dict[str, Any] = {}
        """Further keys and tables of the hives' configuration, set by steps before they start."""
        self.queen_options: dict[str, Any] = {}
        """Further keys of the queen's configuration, set by steps before it starts."""
        self.duration_overrides: dict[str, int] = {}

    @property
    def durations(self) -> Durations:
        """The durations that the daemons of this scenario run with."""
        durations: Durations = self.daemons.settings.durations
        return durations.model_copy(update=self.duration_overrides)

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
        return self.daemons.all("hive")

    @property
    def first_hive(self) -> Daemon:
        """The hive that was started first.

        Raises:
            HarnessError: none was.
        """
        if not self.hives:
            raise HarnessError("no step of this scenario started a hive")
        return self.hives[0]

    @property
    def settle_s(self) -> float:
        """How long the views may take to agree: a worker's start-up, which the machine bounds and not a clock."""
        return self.durations.start_up_ms / 1000

    def daemon(self, name: str) -> Daemon:
        """Return a daemon by its name.

        Raises:
            HarnessError: there is none of that name.
        """
        return self.daemons.daemon(name)

    def spawn_hub(self) -> None:
        """Start the model hub; `wait_until_up` waits for it."""
        address = self.addresses.hub()
        path = self.folder / "hub.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        models = MODELS | dict.fromkeys(FILLER_MODELS, 1024)
        config = {"host": address.host, "port": address.port, "folder": str(self.hub_folder), "models": models}
        path.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "cluster.hub", "--config", str(path)]
        self.daemons.spawn_helper("hub", "hub", command, address=address, ready="/health")

    def spawn_proxy(self) -> None:
        """Start the forward proxy that every daemon started from now on dials through."""
        self.daemons.spawn_proxy(diallers())

    def spawn_queen(self) -> None:
        """Start the queen; `wait_until_up` waits for it."""
        address = self.addresses.queen()
        self._spawn("queen", "queen", address, self._common(address, "queen") | self.queen_options)

    def spawn_hive(self, number: int, *, queen_url: str | None = None) -> Daemon:
        """Start hive `number`, called `hive-<number>`; `wait_until_up` waits for it."""
        name = f"hive-{number}"
        address = self.addresses.hive(number)
        config = self._common(address, name) | {
            "hive_id": name,
            "queen": {"url": queen_url or self.addresses.queen().url},
            "hub": {"url": self.addresses.hub().url},
            "worker": {
                "command": self.daemons.command("worker"),
                "slots": 4,
                "token_interval_ms": TOKEN_INTERVAL_MS,
            }
            | self.worker_options,
            **self.hive_options,
        }
        return self._spawn("hive", name, address, config)

    def restart(self, name: str) -> Daemon:
        """Start a daemon that has ended again: same configuration, same address, same data."""
        return self.daemons.restart(name)

    def restart_queen_with(self, *, queue_limit: int | None = None, lease_ms: int | None = None) -> None:
        """Start the queen anew with another bound of its queue, or with leases of another length and their ratios."""
        self.wait_until_up("queen")
        self.end("queen", Signals.SIGTERM, why="it is to start with another configuration")
        if queue_limit is not None:
            self.queen_options["queue_limit"] = queue_limit
        if lease_ms is not None:
            self.duration_overrides |= {
                "lease_ms": lease_ms,
                "heartbeat_ms": lease_ms // 3,
                "orphan_grace_ms": 2 * lease_ms,
            }
        self.spawn_queen()
        self.wait_until_up("queen")

    def wait_until_up(self, *names: str) -> None:
        """Wait until each named daemon (all, when none is named) answers `/health` as the process just started.

        Raises:
            AssertionError: it did not in the start-up bound, or it died; with its last log lines.
        """
        self.daemons.wait_until_up(*names)

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

    def end(self, name: str, number: Signals, *, why: str) -> None:
        """End a daemon by SIGKILL or another signal, and wait until it has ended.

        Raises:
            AssertionError: it did not end in the time that its drain, kill grace and ending take.
        """
        self.daemons.end(name, number, why=why)

    @property
    def stop_bound_s(self) -> float:
        """How long a daemon's ending may take: a hive drains its own requests, then its workers, then kills."""
        return (2 * self.durations.drain_ms + self.durations.kill_grace_ms) / 1000 + STOP_MARGIN_S

    def block_sigterm_in_workers(self) -> None:
        """Let the hives start their workers with SIGTERM blocked: a blocked signal stays so through exec."""
        block = "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); "
        launch = f"{block}os.execvp(sys.argv[1], sys.argv[1:])"
        self.worker_options["command"] = [sys.executable, "-c", launch, *self.daemons.command("worker")]

    def is_worker_command(self, argv: list[str]) -> bool:
        """Return whether a command line is the one by which the hives start workers."""
        command = self.worker_options.get("command") or self.daemons.command("worker")
        return bool(argv[: len(command)] == command)

    def config_path(self, name: str) -> Path:
        """Return the configuration file of a daemon."""
        return self.folder / f"{name}.toml"

    def catalog_path(self, hive: str) -> Path:
        """Return the database file of a hive (docs/contract.md)."""
        return Path(self.daemon(hive).config["data_dir"]) / "hive.sqlite3"

    def _common(self, address: Address, name: str) -> dict[str, Any]:
        return {
            "data_dir": str(self.folder / f"{name}-data"),
            "listen": {"host": address.host, "port": address.port},
            "durations": self.durations.model_dump(),
        }

    def _spawn(self, role: str, name: str, address: Address, config: dict[str, Any]) -> Daemon:
        path = self.config_path(name)
        write_toml(path, config)
        self.daemons.start_bound_s, self.daemons.stop_bound_s = self.durations.start_up_ms / 1000, self.stop_bound_s
        return self.daemons.spawn(
            role, name, address=address, arguments=["--config", str(path)], config=config, config_path=path
        )
