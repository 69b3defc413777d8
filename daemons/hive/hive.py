"""The hive as a daemon: what the run loop calls, and what its routes stand on."""

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
from daemons.hive.node import Node

_RELOADED = ("slots", "token_interval_ms", "restart", "memory_limit_bytes")
"""The keys of `[worker]` that a reload applies: what the next spawn gets unless it says otherwise."""


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
        self._node: Node | None = None
        self._open = False
        self._work: asyncio.Task[None] | None = None
        self._counters = HiveCounters(self.metrics)
        self._router = HiveRouter()
        self.relay = Relay(self, self._router, lost=ErrorCode.WORKER_LOST)
        add_gauges(
            self.metrics,
            lambda: self._node.rows() if self._node else [],
            self._queen_up,
            lambda: self._node is not None and self._node.catalog_on_disk,
        )
        add_device_gauges(self.metrics, lambda: self._node.places.devices() if self._node else [])
        self.api = create_api(self)
        self.app = finish(self, self.api)

    def node(self) -> Node:
        """The open hive; the gate answers while it is not open yet: a worker that leases then tries again."""
        assert self._node is not None
        return self._node

    async def on_start(self, bound: Address) -> None:
        """Open the data folder, take back what an earlier hive left, and begin to lease."""
        node = self._node = Node(
            config=self._hive_config,
            identity=self.identity,
            bound=bound,
            folder=self._folder,
            counters=self._counters,
            draining=lambda: self.draining,
        )
        await node.open()
        self._open = True
        self.relay.session = node.client.session
        self._router.open(node.roster, node.catalog, node.prober)
        await node.settle()
        self._work = self.background(node.work(), "hive")

    def not_open(self) -> str | None:
        """Return that the hive is starting until its parts are open; it may then still wait for living workers."""
        return None if self._open else "this hive is starting"

    async def announce_draining(self) -> None:
        """Tell the queen, before the drain begins."""
        if self._node is not None:
            await self._node.announce()

    async def on_stop(self) -> None:
        """Stop the workers, all at the same time, and tell the queen that they are gone."""
        if self._node is None:
            return
        if self._open:
            await self._node.close()
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
        await self._node.let_go()

    async def apply_config(self, config: DaemonConfig, changed: Sequence[str]) -> set[str]:
        """Apply the defaults of the next spawn; everything else is built into what runs."""
        assert isinstance(config, HiveConfig), "the source loads what it was made for"
        applied = {f"worker.{key}" for key in _RELOADED}.intersection(changed)
        update = {key: getattr(config.worker, key) for key in _RELOADED}
        worker = self._hive_config.worker.model_copy(update=update)
        self.config = self._hive_config = self._hive_config.model_copy(update={"worker": worker})
        if self._node is not None:
            self._node.roster.defaults = worker
        return applied

    def degraded(self) -> Sequence[str]:
        """What is not well, above, in and below the hive."""
        return list(self._node.degraded()) if self._node is not None else []

    def health_details(self) -> Mapping[str, Any]:
        """The hive's own fields of `/health`."""
        return self._node.details() if self._node is not None else {}

    def _queen_up(self) -> bool:
        return self._node is not None and self._node.uplink is not None and self._node.uplink.up
