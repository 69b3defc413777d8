"""The ledger file of a device (docs/contract.md, "Devices"): read, and written as another program would."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from beehave.identity import Identity, own_identity
from beehave.journal import Journal

WATCH_INTERVAL_S = 0.001
"""A load of 32 MiB in steps of 1 MiB takes some 30 ms: enough looks to see the steps."""


@dataclass(frozen=True)
class Booking:
    """What one process has of the device."""

    instance: str
    worker_id: str
    pid: int
    start_ticks: int
    reserved_bytes: int
    held_bytes: int

    @property
    def claim_bytes(self) -> int:
        """The bytes that no other process can get."""
        return max(self.reserved_bytes, self.held_bytes)


@dataclass(frozen=True)
class Sample:
    """One look at the file, holders that have ended included."""

    at: float
    """Monotonic clock, seconds."""
    held: dict[str, int]
    """Bytes by worker id."""
    claimed_bytes: int


class LedgerFile:
    """One device's ledger."""

    def __init__(self, journal: Journal, path: Path, memory_bytes: int) -> None:
        self.path = path
        self.memory_bytes = memory_bytes
        self._journal = journal

    def bookings(self) -> list[Booking]:
        """Return what living processes hold or have been promised."""
        found = [each for each in self._read() if Identity(each.pid, each.start_ticks).alive()]
        self._journal.observe("ledger", file=self.path.name, bookings=[asdict(booking) for booking in found])
        return found

    def held_by_worker(self) -> dict[str, int]:
        """Return what each worker holds now, in bytes; one that holds nothing any more is left out."""
        return {booking.worker_id: booking.held_bytes for booking in self.bookings() if booking.held_bytes}

    def sample(self) -> Sample:
        """Return the file as it is; not an observation by itself, since a watch takes thousands."""
        bookings = self._read()
        held: Counter[str] = Counter()  # a worker's dead process may stand beside its new one
        for booking in bookings:
            held[booking.worker_id] += booking.held_bytes
        return Sample(time.monotonic(), dict(held), sum(booking.claim_bytes for booking in bookings))

    def take(self, size_bytes: int) -> str:
        """Book so much for this very process, as another program on the node would, whether it fits or not.

        Returns:
            The name of the booking, for `give_back`.
        """
        me = own_identity()
        booking = Booking(str(uuid.uuid4()), "another-program", me.pid, me.start_ticks, 0, size_bytes)
        with self._locked():
            self._write([*self._read(), booking])
        return booking.instance

    def give_back(self, instance: str) -> None:
        """Take a booking out."""
        with self._locked():
            self._write([booking for booking in self._read() if booking.instance != instance])

    def _read(self) -> list[Booking]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []  # the device has not been used yet
        return [Booking(**holder) for holder in content["holders"]]

    def _write(self, bookings: list[Booking]) -> None:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        content = {
            "memory_bytes": self.memory_bytes,
            "boot_id": boot_id,
            "holders": [asdict(booking) for booking in bookings],
        }
        draft = self.path.with_name(f"{self.path.name}.new")
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(self.path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


class LedgerWatch:
    """Looks at a ledger all the time, in the background, and keeps each look that differs from the one before."""

    def __init__(self, ledger: LedgerFile) -> None:
        self.ledger = ledger
        self.samples: list[Sample] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def observed(self, journal: Journal) -> list[Sample]:
        """Return the samples so far, for a `Then` to judge."""
        samples = list(self.samples)
        steps = [{"held": sample.held, "claimed_bytes": sample.claimed_bytes} for sample in samples]
        journal.observe("ledger over time", file=self.ledger.path.name, looks=len(samples), steps=steps[-100:])
        return samples

    def close(self) -> None:
        """Stop looking."""
        self._end.set()
        self._thread.join(5)

    def _look(self) -> None:
        while not self._end.wait(WATCH_INTERVAL_S):
            sample = self.ledger.sample()
            if (
                not self.samples
                or self.samples[-1].held != sample.held
                or self.samples[-1].claimed_bytes != sample.claimed_bytes
            ):
                self.samples.append(sample)
