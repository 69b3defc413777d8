"""Where one worker's memory is placed: allocated before each start, released after each end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daemons.hive.ending import Ending
from daemons.hive.memory.allocator import Allocation, Allocator
from daemons.hive.memory.insufficient_memory import InsufficientMemoryError
from daemons.hive.workers.facts import WorkerFacts
from daemons.hive.workers.process import WorkerProcess


class Placement:
    """Holds a worker's allocation, and keeps its device and its shortage of memory in its facts."""

    def __init__(self, allocator: Allocator, facts: WorkerFacts) -> None:
        self._allocator = allocator
        self._facts = facts
        self._allocation: Allocation | None = None

    async def allocate(self, model: Path) -> Allocation:
        """Return the allocation for the next start, made once.

        Raises:
            ApiError: 507 when there is not enough memory, 503 when a device's ledger cannot be used.
        """
        if self._allocation is None:
            try:
                self._allocation = await self._allocator.admit(self._facts.spec, self._facts.instance, model)
            except InsufficientMemoryError as error:
                self._facts.shortage = error.shortage
                raise
        return self._allocation

    async def find(self, model: Path | None) -> None:
        """Find the allocation of a worker that a previous hive process started."""
        self._allocation = await self._allocator.find(self._facts.spec, self._facts.instance, model)

    async def started(self, process: WorkerProcess) -> None:
        """Make the started process the holder of its allocation, so that it outlives this hive."""
        self._facts.device = self.device
        await self._allocator.started(self.allocation, process.pid, process.start_ticks)

    @property
    def allocation(self) -> Allocation:
        """The allocation of the present process."""
        assert self._allocation is not None, "a process has an allocation from before its start until after its end"
        return self._allocation

    @property
    def device(self) -> str | None:
        """The name of the device that it is on."""
        return self.allocation.device.name if self.allocation.device is not None else None

    def judge(self, ending: Ending, pid: int | None, saw_bytes: int | None, log_lines: Sequence[str]) -> bool:
        """Return whether the process provably ran out of memory; the facts have the figures then."""
        worker_id = self._facts.spec.id
        self._facts.shortage = self._allocator.judge(
            self.allocation, worker_id, ending, pid=pid, saw_bytes=saw_bytes, log_lines=log_lines
        )
        return self._facts.shortage is not None

    def describe_shortage(self) -> str | None:
        """Return what was insufficient, as a sentence; None when nothing was."""
        short = self._facts.shortage
        if short is None:
            return None
        what = {"device": f"device {short.device}", "memory_limit": "its memory limit", "host": "the node"}[short.of]
        return f"out of memory: {what} has {short.available_bytes} bytes, it needs at least {short.needed_bytes}"

    async def release(self) -> None:
        """Release the allocation, if there is one: no process uses it."""
        if self._allocation is not None:
            allocation, self._allocation = self._allocation, None
            await self._allocator.release(allocation)
