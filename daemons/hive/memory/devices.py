"""The declared devices of a node: which one a worker is placed on, and how much of each is in use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.ledger import DeviceFullError, Holder, Ledger, LedgerError, claimed
from daemons.common.logs import log
from daemons.common.process import start_ticks
from daemons.common.wire import DeviceEntry, DeviceUse, Shortage
from daemons.hive.config import Device
from daemons.hive.memory.insufficient_memory import InsufficientMemoryError


@dataclass(frozen=True, slots=True)
class Load:
    """How full a device is."""

    name: str
    memory_bytes: int
    claimed_bytes: int

    @property
    def free_bytes(self) -> int:
        """The memory that is not claimed."""
        return max(0, self.memory_bytes - self.claimed_bytes)


def order(loads: Iterable[Load], needed_bytes: int) -> list[str]:
    """Return the devices with enough free memory, the smallest claimed share first, by name among equals."""
    fitting = [load for load in loads if load.free_bytes >= needed_bytes]
    return [each.name for each in sorted(fitting, key=lambda each: (each.claimed_bytes / each.memory_bytes, each.name))]


class Devices:
    """The devices of one hive. Other hives may share their ledgers, so a reading can be out of date at once."""

    def __init__(self, declared: Sequence[Device]) -> None:
        self._ledgers = {device.name: Ledger(device.ledger.absolute(), device.memory_bytes) for device in declared}
        self._turn = asyncio.Lock()
        """The spawns of one hive reserve in turn, so that each sees the reservation before it."""

    def __bool__(self) -> bool:
        return bool(self._ledgers)

    async def reserve(self, instance: str, worker_id: str, needed_bytes: int) -> str:
        """Reserve memory on the least loaded device that has enough of it, and return its name.

        Raises:
            InsufficientMemoryError: no device has enough.
            ApiError: 503 when a ledger cannot be used.
        """
        pid = os.getpid()
        mine = Holder(instance, worker_id, pid, start_ticks(pid) or 0, reserved_bytes=needed_bytes)
        async with self._turn:
            try:
                return await asyncio.to_thread(self._reserve, mine)
            except LedgerError as error:
                log.error("device_ledger_unusable", error=str(error), worker_id=worker_id)
                raise ApiError(ErrorCode.NO_WORKER_AVAILABLE, str(error)) from None

    def _reserve(self, wanted: Holder) -> str:
        best: Load | None = None
        # A chosen device is full only if another hive was faster, so one reading per device suffices.
        for _ in self._ledgers:
            loads = [self._load(name) for name in self._ledgers]
            best = max(loads, key=lambda load: load.free_bytes)
            for name in order(loads, wanted.reserved_bytes)[:1]:
                try:
                    self._ledgers[name].put(wanted)
                except DeviceFullError:
                    break
                return name
        assert best is not None, "a hive without devices does not reserve"
        shortage = Shortage(
            of="device", device=best.name, needed_bytes=wanted.reserved_bytes, available_bytes=best.free_bytes
        )
        raise InsufficientMemoryError(
            shortage,
            f"no device of this hive has {wanted.reserved_bytes} bytes free; {best.name} has {best.free_bytes}. "
            "Stop a worker on it, or choose a smaller model",
        )

    async def hand_over(self, name: str, instance: str, pid: int, ticks: int) -> None:
        """Make a started process the holder of its reservation, so that it outlives this hive."""
        await self._change(name, lambda ledger: ledger.hand_over(instance, pid, ticks))

    async def release(self, name: str, instance: str) -> None:
        """Free the memory of a process that has ended."""
        await self._change(name, lambda ledger: ledger.release(instance))

    async def find(self, instance: str) -> str | None:
        """Return the device on which this worker instance still holds memory."""
        return await asyncio.to_thread(self._find, instance)

    def entries(self) -> list[DeviceEntry]:
        """Return every device with its present holders."""
        return [self._entry(name) for name in sorted(self._ledgers)]

    def _entry(self, name: str) -> DeviceEntry:
        ledger = self._ledgers[name]
        try:
            holders, fault = ledger.holders(), None
        except LedgerError as error:
            holders, fault = [], str(error)
        return DeviceEntry(
            name=name,
            memory_bytes=ledger.memory_bytes,
            used_bytes=sum(holder.held_bytes for holder in holders),
            claimed_bytes=claimed(holders),
            workers=[
                DeviceUse(
                    worker_id=holder.worker_id,
                    pid=holder.pid,
                    used_bytes=holder.held_bytes,
                    reserved_bytes=holder.reserved_bytes,
                )
                for holder in holders
            ],
            fault=fault,
        )

    def _load(self, name: str) -> Load:
        ledger = self._ledgers[name]
        return Load(name, ledger.memory_bytes, claimed(ledger.holders()))

    def _find(self, instance: str) -> str | None:
        for name, ledger in self._ledgers.items():
            try:
                if any(holder.instance == instance for holder in ledger.holders()):
                    return name
            except LedgerError as error:
                log.error("device_ledger_unusable", error=str(error), device=name)
        return None

    async def _change(self, name: str, change: Callable[[Ledger], None]) -> None:
        try:
            await asyncio.to_thread(change, self._ledgers[name])
        except LedgerError as error:
            # Nothing is lost: the next reader of the ledger frees what a dead process held.
            log.error("device_ledger_unusable", error=str(error), device=name)
