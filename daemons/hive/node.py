"""A hive that is open: its parts, put together once its address is known."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from daemons.common.client import PeerClient
from daemons.common.daemon import Address, Identity
from daemons.common.exits import ExitStatus, FatalError
from daemons.common.wire import ModelEntry, WorkerRow, WorkerState
from daemons.hive.config import HiveConfig
from daemons.hive.datafolder import DataFolder
from daemons.hive.machine import resources
from daemons.hive.memory.places import Places
from daemons.hive.metrics import HiveCounters
from daemons.hive.models.catalog import Catalog
from daemons.hive.models.hub import Hub
from daemons.hive.models.pulls import Pulls
from daemons.hive.recovery.mender import Mender
from daemons.hive.store import Store
from daemons.hive.uplink import Uplink
from daemons.hive.wire import Lease, NodeResources
from daemons.hive.workers.files import WorkerFiles
from daemons.hive.workers.launcher import Launcher
from daemons.hive.workers.prober import Prober
from daemons.hive.workers.roster import Roster
from daemons.hive.workers.scribe import Scribe
from daemons.hive.workers.surroundings import Surroundings

_EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 compared, not bound


class Node:
    """The parts of one open hive. Make it inside the running loop; then `open`, `work`, and at the end `close`."""

    def __init__(
        self,
        *,
        config: HiveConfig,
        identity: Identity,
        bound: Address,
        folder: DataFolder,
        counters: HiveCounters,
        draining: Callable[[], bool],
    ) -> None:
        durations = config.durations
        everywhere = bound.host in _EVERY_ADDRESS
        self._config = config
        self._identity = identity
        self._folder = folder
        self._draining = draining
        self._url = config.url or (Address(socket.gethostname(), bound.port) if everywhere else bound).url
        self._sequence = 0
        self._files = WorkerFiles(folder.path)
        self._store = Store(folder.database)
        self._scribe = Scribe(self._store, durations.heartbeat_ms)
        self.client = PeerClient(config.listen.host, durations)
        self._mender = Mender(self._store, folder.models.resolve(), counters, self._scribe.rewrite)
        self.catalog = Catalog(self._store, folder.models, self._mender)
        hub = Hub(self.client, config.hub.url, durations) if config.hub.url is not None else None
        self.pulls = Pulls(self.catalog, hub, durations, counters.downloads)
        self.prober = Prober(self.client, config.worker_host, durations)
        self.uplink = self._uplink()
        hive_url = (Address("127.0.0.1", bound.port) if everywhere else bound).url
        self.places = Places(
            config.devices,
            config.memory,
            config.hive_id,
            counters.out_of_memory,
            lambda: resources(folder.models).memory_available_bytes,
        )
        surroundings = Surroundings(
            durations=durations,
            files=self._files,
            launcher=Launcher(config, self._files, hive_url),
            prober=self.prober,
            models=self.pulls,
            places=self.places,
            save=self._scribe.save,
            changed=self._changed,
            announce=self.announce,
            restarts=counters.restarts,
            exits=counters.exits,
        )
        self.roster = Roster(surroundings, config.worker, self._scribe)

    async def open(self) -> None:
        """Read what an earlier hive left, and begin to take its workers back.

        Raises:
            FatalError: exit 5 when the folder or the database cannot be used.
        """
        try:
            self._files.prepare()
            stored = await self.catalog.open()
        except (OSError, sqlite3.Error) as error:
            raise FatalError(
                ExitStatus.DATA, f"cannot use {self._folder.database}: {error}. Check --data_dir, or move the file."
            ) from None
        self.places.open({worker.instance for worker in stored})
        self._scribe.seed(stored)
        self.roster.restore(stored)

    async def settle(self) -> None:
        """Give living workers the time of a probe to prove it, so that the first lease shows them as they are."""
        await self.roster.settled(within_ms=self._config.durations.probe_timeout_ms)

    async def work(self) -> None:
        """What runs for as long as the hive does. Ends by cancellation."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._scribe.run(lambda: self.roster), name="scribe")
            tasks.create_task(self._tend_catalog(), name="catalog")
            if self.uplink is not None:
                tasks.create_task(self.uplink.run(), name="uplink")

    async def close(self) -> None:
        """Stop every worker, tell the queen that they are gone, and let go of what is held."""
        await asyncio.gather(self.roster.stop_all(), self.pulls.cancel_all())
        await self.announce()

    async def let_go(self) -> None:
        """Close the connections and the database, once nothing works any more."""
        await self.client.close()
        await self._store.close()

    async def announce(self) -> None:
        """Lease now, and wait, bounded, until the queen has heard it."""
        if self.uplink is not None:
            self.uplink.changed()
            await self.uplink.flush()

    @property
    def catalog_on_disk(self) -> bool:
        """False while the rows of models are in memory only."""
        return self._mender.in_memory is None and self.catalog.fault is None

    def rows(self) -> list[WorkerRow]:
        """Every worker's row, by id."""
        return sorted((supervisor.row() for supervisor in self.roster), key=lambda row: row.id)

    def resources(self) -> NodeResources:
        """What the node has now."""
        return resources(self._folder.models)

    def picture(self) -> Lease:
        """The full picture, with the next sequence number."""
        self._sequence += 1
        identity = self._identity
        return Lease(
            instance=identity.instance,
            sequence=self._sequence,
            url=self._url,
            version=identity.version,
            pid=identity.pid,
            start_ticks=identity.start_ticks,
            state="draining" if self._draining() else "ready",
            workers=self.rows(),
            departed=list(self.roster.departed),
            models=[ModelEntry(ref=m.ref, size_bytes=m.size_bytes, sha256=m.sha256) for m in self.catalog],
            devices=self.places.devices(),
            resources=self.resources(),
        )

    def degraded(self) -> Iterator[str]:
        """What is not well with the hive, or below or above it, one sentence each."""
        if self.uplink is not None and self.uplink.fault is not None:
            yield f"the queen does not take leases ({self.uplink.fault})"
        for row in self.rows():
            if row.state is WorkerState.FAILED or not row.healthy or row.reason == "backing_off":
                yield f"worker {row.id} is {row.state} ({row.reason})"
        if self._scribe.fault is not None:
            yield f"worker rows are not written ({self._scribe.fault})"
        if self.catalog.fault is not None:
            yield f"model rows are not written ({self.catalog.fault})"
        yield from self._mender.degraded()

    def details(self) -> Mapping[str, Any]:
        """The hive's own fields in `/health`."""
        states = Counter(row.state for row in self.rows())
        return {
            "hive_id": self._config.hive_id,
            "queen_up": self.uplink.up if self.uplink is not None else None,
            "workers": {state: states[state] for state in WorkerState},
            "models": len(list(self.catalog)),
            "downloads_running": self.pulls.running,
        }

    def _uplink(self) -> Uplink | None:
        config = self._config
        if config.queen.url is None:
            return None
        url = f"{config.queen.url}/v1/hives/{config.hive_id}/lease"
        return Uplink(self.client, url, config.durations, self.picture)

    def _changed(self) -> None:
        self.roster.looked_at()
        self._scribe.changed()
        if self.uplink is not None:
            self.uplink.changed()

    async def _tend_catalog(self) -> None:
        while True:
            await asyncio.sleep(self._config.durations.heartbeat_ms / 1000)
            if self._scribe.fault is not None:
                await self.catalog.verify()  # the worker rows are in the same file
            await self.catalog.tend()
