"""A worker's place in memory: admitted before its process starts, kept while it lives, given back when it has ended."""

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
from daemons.hive.memory.devices import Devices
from daemons.hive.memory.groups import MemoryGroup, MemoryGroups, find_groups, required
from daemons.hive.memory.shortage import By, Evidence, ShortError, proof_of
from daemons.hive.memory.watchdog import resident_bytes
from daemons.hive.workers.facts import WorkerSpec
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.restart import Ending

_REMOVE_TRIES: Final = 50
_REMOVE_PAUSE_S: Final = 0.02
"""A group is empty when the kernel has taken the last process apart, which may be a moment after its end was seen."""


@dataclass(frozen=True, slots=True)
class Place:
    """What one start of a worker was given."""

    instance: str
    device: Device | None = None
    limit_bytes: int | None = None
    group: MemoryGroup | None = None
    needs: Needs | None = None

    @property
    def watched(self) -> int | None:
        """The limit that the watchdog must hold, None when there is none or the kernel holds it."""
        return self.limit_bytes if self.group is None else None

    @property
    def present_limit(self) -> int | None:
        """The limit as the kernel has it now, else as it was given."""
        return (self.group.limit_bytes() if self.group is not None else None) or self.limit_bytes

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that starts a worker in this place."""
        return list(argv) if self.group is None else self.group.command(argv)


class Places:
    """Gives workers their places, and takes them back."""

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
        """Begin; `instances` are those of an earlier hive's workers. Raises FatalError 2: see `required`."""
        self._known = instances
        if self._rules.enforce == "cgroup":
            self._groups, self._groups_sought = required(find_groups(self._rules.cgroup, self._hive_id)), True

    def devices(self) -> list[DeviceEntry]:
        """Every declared device, with who has what of it."""
        return self._devices.entries()

    async def admit(self, spec: WorkerSpec, instance: str, model: Path) -> Place:
        """A place for a worker that is to load this file, by what the file declares.

        Raises:
            ShortError: it cannot fit.
            ApiError: 503 when a device's ledger cannot be used.
        """
        needs = await asyncio.to_thread(read_needs, model)
        declared = needs.declared_bytes if needs is not None else 0
        limit = spec.memory_limit_bytes
        try:
            if limit is not None and declared > limit:
                _refuse("memory_limit", declared, limit, f"{spec.model} needs {declared} bytes, its limit is {limit}")
            available = self._host_available()
            if not self._devices and declared > available:
                _refuse("host", declared, available, f"{spec.model} needs {declared} bytes, the node has {available}")
            name = await self._devices.reserve(instance, spec.id, declared) if self._devices else None
        except ShortError as error:
            self._outcomes.labels(By.ADMISSION).inc()
            log.warning("worker_not_admitted", worker_id=spec.id, model=spec.model, **error.details)
            raise
        group = await asyncio.to_thread(self._make_group, spec.id, instance, limit) if limit is not None else None
        return Place(instance, self._declared[name] if name else None, limit, group, needs)

    async def recall(self, spec: WorkerSpec, instance: str, model: Path | None) -> Place:
        """The place that an earlier hive gave to a worker which may still live."""
        name = await self._devices.find(instance) if self._devices else None
        groups = self._limiting_groups(if_needed=spec.memory_limit_bytes is not None)
        needs = await asyncio.to_thread(read_needs, model) if model is not None else None
        return Place(
            instance,
            self._declared[name] if name else None,
            spec.memory_limit_bytes,
            groups.find(instance) if groups is not None else None,
            needs,
        )

    async def begun(self, place: Place, process: WorkerProcess) -> None:
        """The process of a place has started."""
        if place.device is not None and process.start_ticks is not None:
            await self._devices.hand_over(place.device.name, place.instance, process.pid, process.start_ticks)

    def judge(
        self,
        place: Place,
        worker_id: str,
        ending: Ending,
        *,
        pid: int | None,
        saw_bytes: int | None,
        log_lines: Sequence[str],
    ) -> Shortage | None:
        """Why a process ended, when memory was the reason and that is proved. Logged and counted then."""
        proof = proof_of(
            Evidence(
                instance=place.instance,
                signal=ending.signal,
                exit_status=ending.exit_status,
                limit_bytes=place.present_limit,
                needs=place.needs,
                watchdog_saw_bytes=saw_bytes,
                group_kills=place.group.kills() if place.group is not None else 0,
                log_lines=log_lines,
            )
        )
        if proof is None:
            return None
        self._outcomes.labels(proof.by).inc()
        figures = proof.shortage.model_dump(mode="json", exclude_none=True)
        log.error("worker_out_of_memory", worker_id=worker_id, pid=pid, by=proof.by, **figures)
        return proof.shortage

    async def give_back(self, place: Place) -> None:
        """The process of a place has ended, or was never started."""
        if place.device is not None:
            await self._devices.release(place.device.name, place.instance)
        if place.group is not None:
            for _ in range(_REMOVE_TRIES):
                if place.group.remove():
                    return
                await asyncio.sleep(_REMOVE_PAUSE_S)
            log.warning("memory_group_not_removed", group=place.group.path.name)

    @staticmethod
    def measure(pid: int) -> int | None:
        """What the watchdog measures."""
        return resident_bytes(pid)

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
        """The groups, looked for when the first limit needs them: a hive without limits touches no control group."""
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
    raise ShortError(shortage, f"{message}; choose a smaller model, or give it more")
