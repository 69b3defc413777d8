"""Memory for workers: admitted before a process starts, held while it runs, released when it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from prometheus_client import Counter

from daemons.common.logs import log
from daemons.common.model_needs import Needs, read_needs
from daemons.common.wire import DeviceEntry, Shortage
from daemons.hive.config import Device, Memory
from daemons.hive.ending import Ending
from daemons.hive.memory.devices import Devices
from daemons.hive.memory.groups import MemoryGroup, MemoryGroups, find_groups, required
from daemons.hive.memory.insufficient_memory import By, Evidence, InsufficientMemoryError, proof_of
from daemons.hive.worker_spec import WorkerSpec

_REMOVE_TRIES: Final = 50
_REMOVE_PAUSE_S: Final = 0.02
"""The kernel empties a group when it has torn the last process down, a moment after its end was seen."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one start of a worker was given."""

    instance: str
    device: Device | None = None
    limit_bytes: int | None = None
    group: MemoryGroup | None = None
    needs: Needs | None = None

    @property
    def watched(self) -> int | None:
        """The limit that the watchdog enforces, None when there is none or the kernel enforces it."""
        return self.limit_bytes if self.group is None else None

    @property
    def present_limit(self) -> int | None:
        """The limit as the kernel has it now, else as it was given."""
        return (self.group.limit_bytes() if self.group is not None else None) or self.limit_bytes

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that starts a worker within this allocation."""
        return list(argv) if self.group is None else self.group.command(argv)


class Allocator:
    """Allocates the memory of devices and control groups to workers."""

    def __init__(
        self,
        devices: Sequence[Device],
        rules: Memory,
        hive_id: str,
        outcomes: Counter,
        host_available: Callable[[], int],
    ) -> None:
        self._declared = {device.name: device for device in devices}
        self._devices = Devices(devices)
        self._rules = rules
        self._hive_id = hive_id
        self._outcomes = outcomes
        self._host_available = host_available
        self._groups: MemoryGroups | None = None
        self._groups_sought = rules.enforce == "watchdog"
        self._known: set[str] = set()
        for by in By:
            outcomes.labels(by)

    def open(self, instances: set[str]) -> None:
        """Start with the worker `instances` of an earlier hive. Raises FatalError 2: see `required`."""
        self._known = instances
        if self._rules.enforce == "cgroup":
            self._groups, self._groups_sought = required(find_groups(self._rules.cgroup, self._hive_id)), True

    def devices(self) -> list[DeviceEntry]:
        """Return every declared device with its present holders."""
        return self._devices.entries()

    async def admit(self, spec: WorkerSpec, instance: str, model: Path) -> Allocation:
        """Allocate memory for a worker that is to load this file, by what the file declares.

        Raises:
            InsufficientMemoryError: there is not enough memory.
            ApiError: 503 when a device's ledger cannot be used.
        """
        needs = await asyncio.to_thread(read_needs, model)
        declared = needs.declared_bytes if needs is not None else 0
        limit = spec.memory_limit_bytes
        try:
            if limit is not None and declared > limit:
                _refuse("memory_limit", declared, limit, f"{spec.model} needs {declared} bytes, its limit is {limit}")
            available = self._host_available()
            # With devices the model goes into their memory: the node's own is not the bound then.
            if not self._devices and declared > available:
                _refuse("host", declared, available, f"{spec.model} needs {declared} bytes, the node has {available}")
            name = await self._devices.reserve(instance, spec.id, declared) if self._devices else None
        except InsufficientMemoryError as error:
            self._outcomes.labels(By.ADMISSION).inc()
            log.warning("worker_not_admitted", worker_id=spec.id, model=spec.model, **error.details)
            raise
        # Only after admission: a refused worker leaves no group behind.
        group = await asyncio.to_thread(self._make_group, spec.id, instance, limit) if limit is not None else None
        return Allocation(instance, self._declared[name] if name else None, limit, group, needs)

    async def find(self, spec: WorkerSpec, instance: str, model: Path | None) -> Allocation:
        """Find the allocation of a worker that a previous hive process started."""
        name = await self._devices.find(instance) if self._devices else None
        groups = self._limiting_groups(if_needed=spec.memory_limit_bytes is not None)
        needs = await asyncio.to_thread(read_needs, model) if model is not None else None
        return Allocation(
            instance,
            self._declared[name] if name else None,
            spec.memory_limit_bytes,
            groups.find(instance) if groups is not None else None,
            needs,
        )

    async def started(self, allocation: Allocation, pid: int, start_ticks: int | None) -> None:
        """Make a started process the holder of its allocation."""
        if allocation.device is not None and start_ticks is not None:
            await self._devices.hand_over(allocation.device.name, allocation.instance, pid, start_ticks)

    def judge(
        self,
        allocation: Allocation,
        worker_id: str,
        ending: Ending,
        *,
        pid: int | None,
        saw_bytes: int | None,
        log_lines: Sequence[str],
    ) -> Shortage | None:
        """Return what was insufficient when a process provably ran out of memory; that is logged and counted."""
        # Read before the allocation is released: the kernel's counter goes with the group.
        proof = proof_of(
            Evidence(
                instance=allocation.instance,
                signal=ending.signal,
                exit_status=ending.exit_status,
                limit_bytes=allocation.present_limit,
                needs=allocation.needs,
                watchdog_saw_bytes=saw_bytes,
                group_kills=allocation.group.kills() if allocation.group is not None else 0,
                log_lines=log_lines,
            )
        )
        if proof is None:
            return None
        self._outcomes.labels(proof.by).inc()
        figures = proof.shortage.model_dump(mode="json", exclude_none=True)
        log.error("worker_out_of_memory", worker_id=worker_id, pid=pid, by=proof.by, **figures)
        return proof.shortage

    async def release(self, allocation: Allocation) -> None:
        """Release the allocation of a process that has ended, or was never started."""
        if allocation.device is not None:
            await self._devices.release(allocation.device.name, allocation.instance)
        if allocation.group is not None:
            for _ in range(_REMOVE_TRIES):
                if allocation.group.remove():
                    return
                await asyncio.sleep(_REMOVE_PAUSE_S)
            log.warning("memory_group_not_removed", group=allocation.group.path.name)

    def _make_group(self, worker_id: str, instance: str, limit_bytes: int) -> MemoryGroup | None:
        groups = self._limiting_groups(if_needed=True)
        if groups is None:
            return None
        try:
            return groups.make(instance, limit_bytes)
        except OSError as error:
            log.warning("memory_group_not_made", worker_id=worker_id, error=error.strerror, instead="watchdog")
            return None

    def _limiting_groups(self, *, if_needed: bool) -> MemoryGroups | None:
        """Return the groups, looked up at the first limit: a hive without limits touches no control group."""
        if not self._groups_sought and if_needed:
            self._groups_sought = True
            found = find_groups(self._rules.cgroup, self._hive_id)
            if isinstance(found, str):
                log.info("memory_limits_by_watchdog", why=found)
            else:
                log.info("memory_limits_by_cgroup", version=found.interface.version)
                self._groups = found
                found.remove_all_but(self._known)
        return self._groups


def _refuse(of: str, needed: int, available: int, message: str) -> NoReturn:
    shortage = Shortage.model_validate({"of": of, "needed_bytes": needed, "available_bytes": available})
    raise InsufficientMemoryError(shortage, f"{message}; choose a smaller model, or give the worker more memory")
