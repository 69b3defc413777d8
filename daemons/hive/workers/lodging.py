"""The place in memory of one worker: found before each start of it, given back after each end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daemons.hive.memory.places import Place, Places
from daemons.hive.memory.shortage import ShortError
from daemons.hive.workers.facts import WorkerFacts
from daemons.hive.workers.process import WorkerProcess
from daemons.hive.workers.restart import Ending


class Lodging:
    """Keeps the facts of a worker true about its memory: the device that it is on, and what there was too little of."""

    def __init__(self, places: Places, facts: WorkerFacts) -> None:
        self._places = places
        self._facts = facts
        self._place: Place | None = None

    async def find(self, model: Path) -> Place:
        """The place of the start that comes next; found once.

        Raises:
            ApiError: 507 when it cannot fit, 503 when a device's ledger cannot be used.
        """
        if self._place is None:
            try:
                self._place = await self._places.admit(self._facts.spec, self._facts.instance, model)
            except ShortError as error:
                self._facts.shortage = error.shortage
                raise
        return self._place

    async def recall(self, model: Path | None) -> None:
        """Know again the place of a process that an earlier hive started."""
        self._place = await self._places.recall(self._facts.spec, self._facts.instance, model)

    async def begun(self, process: WorkerProcess) -> None:
        """The process has started, and has its place from now on, whatever becomes of this hive."""
        self._facts.device = self.device
        await self._places.begun(self.place, process)

    @property
    def place(self) -> Place:
        """The place of the present process."""
        assert self._place is not None, "a process has a place from before its start until after its end"
        return self._place

    @property
    def device(self) -> str | None:
        """The name of the device that it is on."""
        return self.place.device.name if self.place.device is not None else None

    def judge(self, ending: Ending, pid: int | None, saw_bytes: int | None, log_lines: Sequence[str]) -> bool:
        """Whether it is proved that the process ended of too little memory; the facts say of what then."""
        spec = self._facts.spec
        found = self._places.judge(self.place, spec.id, ending, pid=pid, saw_bytes=saw_bytes, log_lines=log_lines)
        self._facts.shortage = found
        return found is not None

    def in_words(self) -> str | None:
        """What there was too little of, for people."""
        short = self._facts.shortage
        if short is None:
            return None
        what = {"device": f"device {short.device}", "memory_limit": "its memory limit", "host": "the node"}[short.of]
        return f"out of memory: {what} has {short.available_bytes} bytes, it needs at least {short.needed_bytes}"

    async def give_back(self) -> None:
        """There is no process (any more)."""
        if self._place is not None:
            place, self._place = self._place, None
            await self._places.give_back(place)
