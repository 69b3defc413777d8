"""The ledger of one device: which process holds how much of its memory, in a file that all of them share.

A declared device has no driver that counts its memory. So every process books memory here before it uses it: a worker
while it loads and while it generates, a hive for the worker that it is about to start. The bookings never exceed the
device. A booking belongs to a process, by PID and start ticks: when that process is gone its memory is free again, so a
`kill -9` leaves nothing booked.

The file is JSON and is replaced under the flock of a file beside it (`<ledger>.lock`), so that a reader needs no lock
and a writer that is killed leaves either the old content or the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from daemons.common.process import boot_id, is_same_process

LOCK_BOUND_S: Final = 5.0
"""How long to wait for the lock. It is held for less than a millisecond, unless its holder was stopped (SIGSTOP)."""
_LOCK_POLL_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class Holder:
    """The part of the device that one process has."""

    instance: str
    """Of the worker: new for each start of it, so that a late message never affects its successor."""
    worker_id: str
    pid: int
    start_ticks: int
    reserved_bytes: int = 0
    """Reserved for it at admission, and 0 once it has loaded: from then on only what it holds counts."""
    held_bytes: int = 0
    """What it has booked itself."""

    @property
    def claim_bytes(self) -> int:
        """What is not free for others."""
        return max(self.reserved_bytes, self.held_bytes)


class DeviceFullError(Exception):
    """Not enough free memory on the device: `needed_bytes` were requested, `available_bytes` were free."""

    def __init__(self, needed_bytes: int, available_bytes: int) -> None:
        super().__init__(f"needs {needed_bytes} bytes, {available_bytes} are available")
        self.needed_bytes = needed_bytes
        self.available_bytes = available_bytes


class LedgerError(Exception):
    """The ledger cannot be used: its file cannot be read or written, or another process keeps its lock."""


def claimed(holders: Sequence[Holder]) -> int:
    """Return how much of a device is taken."""
    return sum(holder.claim_bytes for holder in holders)


def with_holder(holders: Sequence[Holder], wanted: Holder, memory_bytes: int) -> list[Holder]:
    """Return the holders with `wanted` in the place of the one of its instance.

    Raises:
        DeviceFullError: it claims more than the others leave. A claim that does not grow is never refused.
    """
    others = [holder for holder in holders if holder.instance != wanted.instance]
    before = claimed(holders) - claimed(others)
    available = max(0, memory_bytes - claimed(others))
    if wanted.claim_bytes > max(available, before):
        raise DeviceFullError(wanted.claim_bytes, available)
    return [*others, wanted]


class Ledger:
    """The ledger file of a device of `memory_bytes`. Its calls block for a moment: not for an event loop."""

    def __init__(self, path: Path, memory_bytes: int) -> None:
        self.path = path
        self.memory_bytes = memory_bytes
        self._lock_path = path.with_name(path.name + ".lock")

    def holders(self) -> list[Holder]:
        """Return the living holders, without a lock and without a change.

        Raises:
            LedgerError: the file cannot be read.
        """
        return [holder for holder in self._read() if _lives(holder)]

    def put(self, wanted: Holder) -> None:
        """Book `wanted` in the place of what its instance had.

        Raises:
            DeviceFullError: not enough free memory on the device.
            LedgerError: the ledger cannot be used.
        """
        self._change(lambda holders: with_holder(holders, wanted, self.memory_bytes))

    def hand_over(self, instance: str, pid: int, start_ticks: int) -> None:
        """Assign the booking of this instance to this process. Raises LedgerError."""

        def change(holders: list[Holder]) -> list[Holder]:
            return [
                replace(each, pid=pid, start_ticks=start_ticks) if each.instance == instance else each
                for each in holders
            ]

        self._change(change)

    def release(self, instance: str) -> None:
        """Free what this instance and all dead processes had. Raises LedgerError."""
        self._change(lambda holders: [holder for holder in holders if holder.instance != instance])

    def _change(self, change: Callable[[list[Holder]], list[Holder]]) -> None:
        with self._locked():
            before = self._read()
            after = change([holder for holder in before if _lives(holder)])
            if after != before:
                self._write(after)

    def _read(self) -> list[Holder]:
        try:
            content: Any = json.loads(self.path.read_bytes())
            holders = [Holder(**holder) for holder in content["holders"]]
            # After a reboot none of these processes lives, and their start ticks may be another process'.
            return holders if content["boot_id"] == boot_id() else []
        except FileNotFoundError:
            return []
        except OSError as error:
            raise LedgerError(f"the ledger {self.path.name} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise LedgerError(f"{self.path.name} is not a ledger; remove it when no process uses the device") from None

    def _write(self, holders: Sequence[Holder]) -> None:
        content = {
            "memory_bytes": self.memory_bytes,
            "boot_id": boot_id(),
            "holders": [asdict(holder) for holder in holders],
        }
        draft = self.path.with_name(self.path.name + ".new")
        try:
            draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
            draft.replace(self.path)
        except OSError as error:
            raise LedgerError(f"the ledger {self.path.name} cannot be written: {error.strerror}") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerError(f"the ledger {self.path.name} cannot be locked: {error.strerror}") from None
        try:
            self._take(lock)
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # a child that was forked meanwhile has this descriptor until its exec
            os.close(lock)

    def _take(self, lock: int) -> None:
        deadline = time.monotonic() + LOCK_BOUND_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LedgerError(
                        f"the ledger {self.path.name} is locked by a process that does not release it"
                    ) from None
                time.sleep(_LOCK_POLL_S)
            else:
                return


def _lives(holder: Holder) -> bool:
    return is_same_process(holder.pid, holder.start_ticks)
