"""The hive as a daemon: the hooks of the run loop, and what its routes use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from fastapi import FastAPI

from daemons.common.api import finish
from daemons.common.config import ConfigSource, DaemonConfig
from daemons.common.daemon import Address, Daemon
from daemons.common.errors import ErrorCode
from daemons.common.relay import Relay
from daemons.hive.config import HiveConfig
from daemons.hive.datafolder import DataFolder
from daemons.hive.inference import HiveRouter
from daemons.hive.metrics import HiveCounters, add_device_gauges, add_gauges
from daemons.hive.runtime import HiveRuntime

_RELOADED = ("slots", "token_interval_ms", "restart", "memory_limit_bytes")
"""The keys of `[worker]` that a reload applies: the defaults of the next spawn request."""


class Hive(Daemon):
    """A node agent. `config.checked()` and `folder.open()` come before this."""

    role: ClassVar[str] = "hive"

    def __init__(
        self,
        config: HiveConfig,
        folder: DataFolder,
        create_api: Callable[[Hive], FastAPI],
        source: ConfigSource[HiveConfig] | None = None,
    ) -> None:
        super().__init__(name=config.hive_id, config=config, source=source)
        self._hive_config = config
        self._folder = folder
        self._runtime: HiveRuntime | None = None
        self._open = False
        self._work: asyncio.Task[None] | None = None
        self._counters = HiveCounters(self.metrics)
        self._router = HiveRouter()
        self.relay = Relay(self, self._router, lost=ErrorCode.WORKER_LOST)
        add_gauges(
            self.metrics,
            lambda: self._runtime.rows() if self._runtime else [],
            self._queen_up,
            lambda: self._runtime is not None and self._runtime.catalog_on_disk,
        )
        add_device_gauges(self.metrics, lambda: self._runtime.allocator.devices() if self._runtime else [])
        self.api = create_api(self)
        self.app = finish(self, self.api)

    def runtime(self) -> HiveRuntime:
        """Return the open hive; until it is open the gate refuses requests, and a worker leases again."""
        assert self._runtime is not None
        return self._runtime

    async def on_start(self, bound: Address) -> None:
        """Open the data folder, adopt the workers of an earlier hive, and begin to lease."""
        runtime = self._runtime = HiveRuntime(
            config=self._hive_config,
            identity=self.identity,
            bound=bound,
            folder=self._folder,
            counters=self._counters,
            draining=lambda: self.draining,
        )
        await runtime.open()
        self._open = True
        self.relay.session = runtime.client.session
        self._router.open(runtime.pool, runtime.catalog, runtime.prober)
        await runtime.settle()
        self._work = self.background(runtime.work(), "hive")

    def not_open(self) -> str | None:
        """Return why requests are refused; None once the parts are open, while the hive still adopts its workers."""
        return None if self._open else "this hive is starting"

    async def announce_draining(self) -> None:
        """Lease to the queen before the drain begins."""
        if self._runtime is not None:
            await self._runtime.announce()

    async def on_stop(self) -> None:
        """Stop the workers concurrently, and lease to the queen that they are gone."""
        if self._runtime is None:
            return
        if self._open:
            await self._runtime.close()
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
        await self._runtime.release()

    async def apply_config(self, config: DaemonConfig, changed: Sequence[str]) -> set[str]:
        """Apply the defaults of the next spawn request; everything else needs a restart."""
        assert isinstance(config, HiveConfig), "the source loads what it was made for"
        applied = {f"worker.{key}" for key in _RELOADED}.intersection(changed)
        update = {key: getattr(config.worker, key) for key in _RELOADED}
        worker = self._hive_config.worker.model_copy(update=update)
        self.config = self._hive_config = self._hive_config.model_copy(update={"worker": worker})
        if self._runtime is not None:
            self._runtime.pool.defaults = worker
        return applied

    def degraded(self) -> Sequence[str]:
        """Return why the hive is degraded; empty when it is not."""
        return list(self._runtime.degraded()) if self._runtime is not None else []

    def health_details(self) -> Mapping[str, Any]:
        """Return the hive's own fields of `/health`."""
        return self._runtime.details() if self._runtime is not None else {}

    def _queen_up(self) -> bool:
        return self._runtime is not None and self._runtime.uplink is not None and self._runtime.uplink.up
