"""The memory of a worker beside its weights: its part of a device, and the cache of its running requests.

On a device the weights and the cache are booked in the device's ledger before they are used. Without one the cache is
allocated in the host's memory, whose limit the kernel or the hive enforces.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

from daemons.common.ledger import DeviceFullError, Holder, Ledger, LedgerError
from daemons.common.logs import log
from daemons.common.model_needs import Needs

CHARGE_STEP_BYTES: Final = 256 * 1024 * 1024
"""How much of a device is booked at once while the weights are loaded: an allocator takes blocks, not bytes."""
BLOCK_TOKENS: Final = 16
"""How many tokens the cache grows by: the block size that paged engines have by default."""


class CacheMemory(Protocol):
    """Where the caches of requests are allocated."""

    def take(self, size_bytes: int) -> object:
        """Allocate memory of this size. Raises DeviceFullError. Blocks for a moment."""
        ...

    def give_back(self, taken: Sequence[object]) -> None:
        """Free what several calls of `take` returned. Blocks for a moment."""
        ...


class HostMemory:
    """The host's memory, written to, so that the kernel really allocates it."""

    def take(self, size_bytes: int) -> object:
        """Allocate memory of this size."""
        return bytearray(b"\x01") * size_bytes

    def give_back(self, taken: Sequence[object]) -> None:
        """Do nothing: it is freed with its last reference."""


class DeviceMemory:
    """A worker's part of its device. Safe to use from several threads."""

    def __init__(self, name: str, ledger: Ledger, holder: Holder) -> None:
        self.name = name
        self._ledger = ledger
        self._holder = holder
        self._lock = threading.Lock()
        self._released = False

    @property
    def held_bytes(self) -> int:
        """The bytes that are booked for this worker now."""
        return self._holder.held_bytes

    def load_up_to(self, part: float, needs: Needs) -> None:
        """Book this part (0 to 1) of the weights, step by step.

        Raises:
            DeviceFullError: with what the whole model needs, not the step that failed.
            LedgerError: the ledger cannot be used.
        """
        wanted = round(needs.device_bytes * part)
        while not self._released and self.held_bytes < wanted:
            try:
                with self._lock:
                    self._hold(min(wanted, self.held_bytes + CHARGE_STEP_BYTES))
            except DeviceFullError as full:
                raise DeviceFullError(needs.device_bytes, full.available_bytes) from None

    def loaded(self) -> None:
        """Free what admission reserved beyond the loaded weights. Raises LedgerError."""
        with self._lock:
            self._book(replace(self._holder, reserved_bytes=0))

    def take(self, size_bytes: int) -> object:
        """Book so much more. Raises DeviceFullError and LedgerError."""
        with self._lock:
            self._hold(self.held_bytes + size_bytes)
        return size_bytes

    def give_back(self, taken: Sequence[object]) -> None:
        """Book so much less. A failure is only logged: the booking ends with the process at the latest."""
        sizes = [size for size in taken if isinstance(size, int)]
        try:
            with self._lock:
                self._hold(self.held_bytes - sum(sizes))
        except LedgerError as error:
            log.warning("device_memory_not_given_back", device=self.name, bytes=sum(sizes), error=str(error))

    def release(self) -> None:
        """Free everything, for good: the worker ends. Its hive does the same when it is gone."""
        with self._lock:
            self._released = True
            try:
                self._ledger.release(self._holder.instance)
            except LedgerError as error:
                log.warning("device_memory_not_given_back", device=self.name, error=str(error))

    def _hold(self, held_bytes: int) -> None:
        self._book(replace(self._holder, held_bytes=held_bytes))

    def _book(self, holder: Holder) -> None:
        """Book with the lock held. After `release` nothing is booked: a cancelled load may be in its last step."""
        if not self._released:
            self._ledger.put(holder)
            self._holder = holder


class Cache:
    """The cache of one running request; it grows by whole blocks."""

    def __init__(self, memory: CacheMemory, bytes_per_token: int) -> None:
        self._memory = memory
        self._block_bytes = BLOCK_TOKENS * bytes_per_token
        self._tokens = 0
        self._blocks: list[object] = []
        self._lock = threading.Lock()
        self._closed = False

    async def add(self, tokens: int) -> None:
        """Allocate memory for so many more tokens. Raises DeviceFullError and LedgerError."""
        self._tokens += tokens
        while self._block_bytes and len(self._blocks) * BLOCK_TOKENS < self._tokens:
            # In a thread: another process may have the ledger's lock, and allocating takes time.
            await asyncio.to_thread(self._grow)

    def close(self) -> None:
        """Free everything, also what a thread is about to take."""
        with self._lock:
            self._closed = True
            blocks, self._blocks = self._blocks, []
        if blocks:
            self._memory.give_back(blocks)

    def _grow(self) -> None:
        block = self._memory.take(self._block_bytes)
        with self._lock:
            if not self._closed:
                self._blocks.append(block)
                return
        self._memory.give_back([block])


@contextmanager
def open_cache(memory: CacheMemory, bytes_per_token: int) -> Iterator[Cache]:
    """Yield a cache for the length of a request; its blocks are freed however that ends."""
    cache = Cache(memory, bytes_per_token)
    try:
        yield cache
    finally:
        cache.close()
