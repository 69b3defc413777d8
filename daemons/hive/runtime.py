"""The parts of an open hive, put together once its address is known."""

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
from daemons.hive.memory.allocator import Allocator
from daemons.hive.metrics import HiveCounters
from daemons.hive.models.catalog import Catalog
from daemons.hive.models.hub import Hub
from daemons.hive.models.pulls import Pulls
from daemons.hive.recovery.repair import DatabaseRepair
from daemons.hive.store import Store
from daemons.hive.uplink import Uplink
from daemons.hive.wire import Lease, NodeResources
from daemons.hive.workers.context import SupervisorContext
from daemons.hive.workers.files import WorkerFiles
from daemons.hive.workers.launcher import Launcher
from daemons.hive.workers.pool import WorkerPool
from daemons.hive.workers.prober import Prober
from daemons.hive.workers.row_writer import RowWriter

_EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 compared, not bound


class HiveRuntime:
    """The parts of one hive. Make it inside the running loop, then call `open`, `work`, and at the end `close`."""

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
        listens_everywhere = bound.host in _EVERY_ADDRESS
        self._config = config
        self._identity = identity
        self._folder = folder
        self._draining = draining
        # The queen may be on another machine, and needs a name; workers are on this one, where loopback will do.
        self._url = config.url or (Address(socket.gethostname(), bound.port) if listens_everywhere else bound).url
        self._sequence = 0
        self._files = WorkerFiles(folder.path)
        self._store = Store(folder.database)
        self._row_writer = RowWriter(self._store, durations.heartbeat_ms)
        self.client = PeerClient(config.listen.host, durations)
        self._repair = DatabaseRepair(self._store, folder.models.resolve(), counters, self._row_writer.rewrite)
        self.catalog = Catalog(self._store, folder.models, self._repair)
        hub = Hub(self.client, config.hub.url, durations) if config.hub.url is not None else None
        self.pulls = Pulls(self.catalog, hub, durations, counters.downloads)
        self.prober = Prober(self.client, config.worker_host, durations)
        self.uplink = self._uplink()
        hive_url = (Address("127.0.0.1", bound.port) if listens_everywhere else bound).url
        self.allocator = Allocator(
            config.devices,
            config.memory,
            config.hive_id,
            counters.out_of_memory,
            lambda: resources(folder.models).memory_available_bytes,
        )
        context = SupervisorContext(
            durations=durations,
            files=self._files,
            launcher=Launcher(config, self._files, hive_url),
            prober=self.prober,
            models=self.pulls,
            allocator=self.allocator,
            save=self._row_writer.save,
            changed=self._changed,
            announce=self.announce,
            restarts=counters.restarts,
            exits=counters.exits,
        )
        self.pool = WorkerPool(context, config.worker, self._row_writer)

    async def open(self) -> None:
        """Read the rows of an earlier hive, and begin to adopt its workers.

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
        self.allocator.open({worker.instance for worker in stored})
        self._row_writer.seed(stored)  # before any supervisor runs: what it changes is compared with these rows
        self.pool.restore(stored)

    async def settle(self) -> None:
        """Wait for adopted workers, for the time of a probe, so that the first lease has them."""
        await self.pool.settled(within_ms=self._config.durations.probe_timeout_ms)

    async def work(self) -> None:
        """Run the background work of the hive until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._row_writer.run(lambda: self.pool), name="row_writer")
            tasks.create_task(self._maintain_catalog(), name="catalog")
            if self.uplink is not None:
                tasks.create_task(self.uplink.run(), name="uplink")

    async def close(self) -> None:
        """Stop every worker and pull, and lease to the queen that they are gone."""
        await asyncio.gather(self.pool.stop_all(), self.pulls.cancel_all())
        await self.announce()

    async def release(self) -> None:
        """Close the connections and the database, once nothing uses them."""
        await self.client.close()
        await self._store.close()

    async def announce(self) -> None:
        """Lease now, and wait, bounded, until the queen has accepted it."""
        if self.uplink is not None:
            self.uplink.changed()
            await self.uplink.flush()

    @property
    def catalog_on_disk(self) -> bool:
        """False while the rows of models are in memory only."""
        return self._repair.in_memory is None and self.catalog.fault is None

    def rows(self) -> list[WorkerRow]:
        """Return every worker's row, by id."""
        return sorted((supervisor.row() for supervisor in self.pool), key=lambda row: row.id)

    def resources(self) -> NodeResources:
        """Return the node's present resources."""
        return resources(self._folder.models)

    def lease(self) -> Lease:
        """Return the complete state, with the next sequence number."""
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
            departed=list(self.pool.departed),
            models=[ModelEntry(ref=m.ref, size_bytes=m.size_bytes, sha256=m.sha256) for m in self.catalog],
            devices=self.allocator.devices(),
            resources=self.resources(),
        )

    def degraded(self) -> Iterator[str]:
        """Yield why the hive is degraded, one sentence per cause."""
        if self.uplink is not None and self.uplink.fault is not None:
            yield f"the queen does not accept leases ({self.uplink.fault})"
        for row in self.rows():
            if row.state is WorkerState.FAILED or not row.healthy or row.reason == "backing_off":
                yield f"worker {row.id} is {row.state} ({row.reason})"
        if self._row_writer.fault is not None:
            yield f"worker rows are not written ({self._row_writer.fault})"
        if self.catalog.fault is not None:
            yield f"model rows are not written ({self.catalog.fault})"
        yield from self._repair.degraded()

    def details(self) -> Mapping[str, Any]:
        """Return the hive's own fields of `/health`."""
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
        return Uplink(self.client, url, config.durations, self.lease)

    def _changed(self) -> None:
        self.pool.notify()
        self._row_writer.changed()
        if self.uplink is not None:
            self.uplink.changed()

    async def _maintain_catalog(self) -> None:
        while True:
            await asyncio.sleep(self._config.durations.heartbeat_ms / 1000)
            if self._row_writer.fault is not None:
                await self.catalog.verify()  # the rows of workers and models are in the same file
            await self.catalog.maintain()
