"""The worker: loads one model, serves its slots, and keeps its lease with its hive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from daemons.common.api import finish
from daemons.common.config import ConfigSource
from daemons.common.daemon import Address, Daemon
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.exits import ExitStatus, FatalError
from daemons.common.ledger import DeviceFullError, Holder, Ledger, LedgerError
from daemons.common.logs import log
from daemons.common.metrics import Outcome
from daemons.common.wire import WorkerLease, WorkerState
from daemons.worker.config import WorkerConfig, new_worker_id
from daemons.worker.engine import Engine, PacedEngine
from daemons.worker.memory import CacheMemory, DeviceMemory, HostMemory
from daemons.worker.model import Loading, ModelError, inspect
from daemons.worker.slots import Slots

if TYPE_CHECKING:
    from daemons.common.client import PeerClient
    from daemons.worker.lease import LeaseEnd, LeaseKeeper


class Worker(Daemon):
    """One inference server.

    Raises:
        FatalError: the model file is missing or corrupt (exit 4).
    """

    role = "worker"

    def __init__(
        self,
        config: WorkerConfig,
        create_app: Callable[[Worker], FastAPI],
        source: ConfigSource[WorkerConfig] | None = None,
    ) -> None:
        super().__init__(
            name=config.worker_id or new_worker_id(), config=config, source=source, instance=config.instance
        )
        self._config = config
        self._loading = Loading(inspect(config.model.path), self._make_room)
        self._device = self._device_of(config)
        self.model_ref = _agreed_ref(config, self._loading)
        self.slots = Slots(config.slots)
        self.engine: Engine | None = None
        self._peers: PeerClient | None = None
        self._lease: LeaseKeeper | None = None
        self.tokens = self.metrics.counter("tokens", "Generated tokens.")
        self.metrics.gauge("slots_total", "Slots of this worker.", lambda: self.slots.total)
        self.metrics.gauge("slots_busy", "Slots that are taken.", lambda: self.slots.busy)
        self.metrics.gauge("model_bytes", "Bytes of the model in memory.", lambda: self._loading.loaded_bytes)
        self.app = finish(self, create_app(self))

    @property
    def state(self) -> WorkerState:
        """The worker's state, as its lease has it."""
        if self.draining:
            return WorkerState.DRAINING
        return WorkerState.LOADING if self.engine is None else WorkerState.READY

    @property
    def served_total(self) -> int:
        """How many requests it has answered completely."""
        return self.metrics.outcomes[Outcome.SERVED]

    @property
    def cache_memory(self) -> CacheMemory:
        """Where the caches of its requests are allocated."""
        return self._device or HostMemory()

    @property
    def kv_bytes_per_token(self) -> int:
        """The memory that a token of a running request needs there."""
        return self._loading.file.needs.kv_bytes_per_token

    def out_of_memory(self, full: DeviceFullError, during: str) -> ApiError:
        """End this worker because its device is full; return the error for the request that met it.

        The hive takes the log line as evidence for the reason of the exit.
        """
        assert self._device is not None, "only a device refuses"
        facts = {"needed_bytes": full.needed_bytes, "available_bytes": full.available_bytes}
        if self.shutdown is None:
            log.error("out_of_memory", device=self._device.name, during=during, **facts)
        message = f"device {self._device.name} has {full.available_bytes} free bytes, it needs {full.needed_bytes}"
        why = f"out of memory while {during}: {message}. Free the device, or choose a smaller model."
        self.fail(FatalError(ExitStatus.OUT_OF_MEMORY, why))
        return ApiError(ErrorCode.OUT_OF_MEMORY, message, details={**facts, "device": self._device.name})

    async def on_start(self, bound: Address) -> None:
        """Load the model, and start to lease meanwhile: the hive must know the port before the model is loaded."""
        self.background(self._load(), "load")
        if self._config.hive.url is not None:
            self._start_lease(self._config.hive.url, bound)

    def _start_lease(self, hive_url: str, bound: Address) -> None:
        # Imported here: a worker without a hive does not need aiohttp, and one with a hive reads its model meanwhile.
        from daemons.common.client import PeerClient
        from daemons.worker.lease import LeaseKeeper

        self._peers = PeerClient(bound.host, self.durations)
        url = f"{hive_url}/v1/workers/{self.identity.name}/lease"
        self._lease = LeaseKeeper(self._peers, url, self.durations, self.lease, self._lost_hive)
        self.background(self._lease.run(), "lease")

    async def _load(self) -> None:
        began = time.monotonic()
        try:
            if not await asyncio.to_thread(self._read):
                return
        except DeviceFullError as full:
            self.out_of_memory(full, "loading")
            return
        except LedgerError as error:
            raise FatalError(ExitStatus.DATA, f"{error}. Look at device.ledger.") from None
        assert self._loading.sha256 is not None
        self.engine = PacedEngine(self._loading.sha256, self._config.engine.token_interval_ms)
        took_ms = round((time.monotonic() - began) * 1000, 3)
        log.info("model_loaded", model=self.model_ref, bytes=self._loading.loaded_bytes, duration_ms=took_ms)
        if self._lease is not None:
            self._lease.changed()

    def _read(self) -> bool:
        """Load the weights; in a thread."""
        is_loaded = self._loading.read()
        if is_loaded and self._device is not None:
            self._device.loaded()
        return is_loaded

    def _make_room(self, part: float) -> None:
        if self._device is not None:
            self._device.load_up_to(part, self._loading.file.needs)

    def _device_of(self, config: WorkerConfig) -> DeviceMemory | None:
        share = config.device
        if share.ledger is None:
            return None
        who = self.identity
        holder = Holder(who.instance, who.name, who.pid, who.start_ticks, self._loading.file.needs.declared_bytes)
        return DeviceMemory(share.name, Ledger(share.ledger, share.memory_bytes), holder)

    def lease(self) -> WorkerLease:
        """Return the worker's state for its hive."""
        assert self.bound is not None
        return WorkerLease(
            instance=self.identity.instance,
            pid=self.identity.pid,
            start_ticks=self.identity.start_ticks,
            port=self.bound.port,
            state=self.state,
            slots_total=self.slots.total,
            slots_busy=self.slots.busy,
            served_total=self.served_total,
            load_progress=self._loading.progress,
        )

    def _lost_hive(self, end: LeaseEnd) -> None:
        why = {
            "disowned": "its hive has disowned it (410)",
            "orphaned": f"its hive is gone for {self.durations.orphan_grace_ms} ms",
        }[end]
        message = f"{self.identity.name}: {why}. It has drained; start it again through a hive."
        self.request_shutdown(f"lease_{end}", status=ExitStatus.ORPHANED, message=message)

    async def announce_draining(self) -> None:
        """Tell the hive, unless it is lost. It takes two pushes at most: one may be under way."""
        if self._lease is not None:
            await self._lease.push()

    async def on_stop(self) -> None:
        """Cancel a load that still runs, free the device, and close the client."""
        self._loading.stop()
        if self._device is not None:
            await asyncio.to_thread(self._device.release)
        if self._peers is not None:
            await self._peers.close()

    def not_open(self) -> str | None:
        """Return that the model is not loaded yet, or None when it is."""
        return "the model is not loaded yet" if self.engine is None else None

    def degraded(self) -> Sequence[str]:
        """Return that the lease has expired: the worker still serves, but not for long."""
        if self._lease is not None and self._lease.clock.expired(time.monotonic()):
            return ("its hive does not accept its lease",)
        return ()

    def health_details(self) -> Mapping[str, Any]:
        """Return the worker's own fields of /health."""
        return {
            "state": self.state,
            "model": self.model_ref,
            "model_sha256": self._loading.sha256,
            "model_bytes": self._loading.loaded_bytes,
            "load_progress": self._loading.progress,
            "slots_total": self.slots.total,
            "slots_busy": self.slots.busy,
            "served_total": self.served_total,
        }


def _agreed_ref(config: WorkerConfig, loading: Loading) -> str:
    """Return the model's name: the configured one, which must not contradict the file's own; else the file's."""
    configured, own = config.model.ref, loading.file.ref
    if configured is not None and own is not None and configured != own:
        raise ModelError(config.model.path, f"is the file of model {own!r}, expected {configured!r}")
    return configured or own or config.model.path.stem
