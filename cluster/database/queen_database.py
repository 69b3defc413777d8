"""The database behind the queen's registry: taking it away in several ways, and reading what is stored afterwards."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.faults.base import Fault, FaultStack
from beehave.faults.database import Damage, DamagedFile, HeldLock, RemovedFile, checkpoint, sha256_of
from beehave.faults.disk import FileSizeLimit, FilledDisk, ReadOnlyFolder, SmallDisk, obeying_modes
from beehave.machine import capabilities
from cluster.cluster import Cluster
from cluster.registry_view import RegistryView

FULL_AT_BYTES = 4096
"""The size that no file of the queen may exceed where no disk can be mounted: less than one frame of SQLite's log."""


@dataclass(frozen=True)
class Stored:
    """The registry as its file has it, each list in the order in which the rows were written."""

    integrity: list[str]
    hives: list[str]
    workers: list[tuple[str, str, str]]
    """Id, instance, state."""

    @property
    def worker_ids(self) -> list[str]:
        """The ids of the workers, the row that was written first coming first."""
        return [worker_id for worker_id, _, _ in self.workers]


class QueenDatabase:
    """What steps do to the queen's database, and see of it."""

    def __init__(self, cluster: Cluster, faults: FaultStack, registry: RegistryView) -> None:
        self._cluster = cluster
        self._faults = faults
        self._registry = registry
        self._fault: Fault | None = None
        self._damaged: DamagedFile | None = None

    @property
    def path(self) -> Path:
        """The queen's database file (docs/contract.md)."""
        return Path(self._cluster.queen.config["data_dir"]) / "queen.sqlite3"

    @property
    def bound_s(self) -> float:
        """How long the queen may take to notice, or to store what waits: it looks at each heartbeat.

        A lock makes SQLite wait two seconds before it gives up (docs/contract.md, `database`).
        """
        return 2 * self._cluster.durations.heartbeat_ms / 1000 + 2 + 2

    def prepare_small_disk(self) -> None:
        """Start the queen anew on a disk that can be filled; where nothing can be mounted, any disk will do."""
        if capabilities.find("mount_tmpfs").available:
            self._restart_after(lambda: self._faults.add(SmallDisk(self.path.parent)))

    def fail(self, how: str) -> None:
        """Take the database away: locked, deleted, on a full disk, or read-only when the queen starts again.

        Raises:
            AssertionError: the queen has not noticed in time.
        """
        if how == "read-only":
            self._cluster.daemons.launchers["queen"] = obeying_modes([])
            self._fault = ReadOnlyFolder(self.path.parent)
            self._restart_after(self._inject)
        else:
            ways: dict[str, Callable[[], Fault]] = {
                "locked": lambda: HeldLock(self.path),
                "on a full disk": self._full_disk,
            }
            self._fault = ways[how]()
            self._inject()

    def delete(self) -> None:
        """Delete the file under the running queen."""
        self._faults.add(RemovedFile(self.path))

    def damage_while_stopped(self, damage: Damage) -> None:
        """Break the file while the queen is stopped, and start it over the broken file."""
        self._damaged = DamagedFile(self.path, "workers", damage)
        self._restart_after(partial(self._faults.add, self._damaged))

    def kept(self) -> tuple[dict[str, str], str]:
        """Return the broken files beside the database with their SHA-256, and that of the one that was left there.

        Raises:
            HarnessError: no step has broken it.
        """
        if self._damaged is None:
            raise HarnessError("no When of this scenario destroyed a part of the queen's database")
        found = {path.name: sha256_of(path) for path in sorted(self.path.parent.glob(f"{self.path.name}.broken-*"))}
        self._cluster.journal.observe("files kept aside", found=found)
        return found, self._damaged.sha256

    def wait_until_degraded(self) -> dict[str, Any]:
        """Wait until the queen's health has writes that wait, and return it."""
        return eventually(
            self._cluster.journal,
            "the queen reports that its database is away and writes wait",
            self.health,
            lambda health: not health["database"]["up"] and health["database"]["writes_waiting"] > 0,
            within_s=self.bound_s,
        )

    def health(self) -> dict[str, Any]:
        """Return the queen's health."""
        return dict(self._cluster.queen.client.get("/health").expect(200).json)

    def give_back(self) -> None:
        """Undo what `fail` did.

        Raises:
            HarnessError: no step has taken the database away.
        """
        if self._fault is None:
            raise HarnessError("no When of this scenario took the queen's database away")
        self._faults.heal(self._fault)

    def wait_until_stored(self) -> Stored:
        """Wait until no write waits and the file has the hives and workers that the queen lists; return what it has."""

        def is_current(stored: Stored) -> bool:
            listed = {(row["id"], row["instance"], row["state"]) for row in self._registry.queen_rows()}
            hives = {row["id"] for row in self._registry.hives_at_queen()}
            database = self.health()["database"]
            same = (set(stored.hives), set(stored.workers)) == (hives, listed)
            return same and database["up"] and database["writes_waiting"] == 0

        return eventually(
            self._cluster.journal,
            "the queen's file has what it lists, and no write waits",
            self.stored,
            is_current,
            within_s=self.bound_s,
        )

    def stored(self) -> Stored:
        """Return what the file has, read by SQLite itself; nothing while there is no file or no table."""
        try:
            with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=5)) as connection:
                integrity = [row[0] for row in connection.execute("PRAGMA integrity_check")]
                hives = [row[0] for row in connection.execute("SELECT id FROM hives ORDER BY revision")]
                workers = connection.execute("SELECT id, instance, state FROM workers ORDER BY revision").fetchall()
        except sqlite3.OperationalError as error:
            integrity, hives, workers = [str(error)], [], []
        found = Stored(integrity, hives, workers)
        self._cluster.journal.observe("database file", path=self.path.name, found=found)
        return found

    def _inject(self) -> None:
        assert self._fault is not None, "set by the caller"
        self._faults.add(self._fault)

    def _full_disk(self) -> Fault:
        if capabilities.find("mount_tmpfs").available:
            return FilledDisk(self.path.parent)
        checkpoint(self.path)  # a log that has grown already could be written over without growing
        return FileSizeLimit(self._cluster.queen.process, FULL_AT_BYTES)

    def _restart_after(self, change: Callable[[], None]) -> None:
        self._cluster.end("queen", signal.SIGTERM, why="its data folder is to be changed")
        change()
        self._cluster.restart("queen")
        self._cluster.wait_until_up("queen")
        eventually(
            self._cluster.journal,
            "the hives have leased to the new queen",
            self._registry.hives_at_queen,
            lambda rows: len([row for row in rows if row["state"] == "available"]) == len(self._cluster.hives),
            within_s=self._cluster.durations.lease_ms / 1000 + 2,
        )
