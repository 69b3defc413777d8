"""Stopping a worker: SIGTERM, then time that depends on whether it announces a drain, then SIGKILL."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Protocol

from daemons.common.durations import Durations
from daemons.hive.changes import Changes
from daemons.hive.states import KillReason


class Stoppable(Protocol):
    """What the escalation needs of a process."""

    @property
    def ended(self) -> bool:
        """Whether it has ended."""

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal by its identity. Return False when it is gone."""


async def end_worker(
    process: Stoppable,
    changes: Changes,
    durations: Durations,
    *,
    drain_announced: Callable[[], bool],
    forced: Callable[[], bool],
    on_kill: Callable[[KillReason], None],
) -> None:
    """End `process`, and return when it has ended.

    A worker that handles SIGTERM announces its drain at once, before it waits for its requests. One that does not
    announce it within `kill_grace_ms` ignores the signal and will never end by itself; one that does may use its
    `drain_ms`, and `kill_grace_ms` more to exit. `forced` may turn true at any time and ends the wait. `on_kill` is
    called before SIGKILL is sent. Each supervisor runs its own escalation, so several stubborn workers take one grace
    period together.
    """
    if not forced():
        process.send(signal.SIGTERM)
        why = await _overstayed(process, changes, durations, drain_announced, forced)
        if why is None:
            return
    else:
        why = KillReason.FORCED
    await kill_worker(process, changes, why, on_kill=on_kill)


async def kill_worker(
    process: Stoppable, changes: Changes, why: KillReason, *, on_kill: Callable[[KillReason], None]
) -> None:
    """Send SIGKILL, and wait until the process has ended."""
    if not process.ended:
        on_kill(why)
        process.send(signal.SIGKILL)
    await changes.until(lambda: process.ended)


async def _overstayed(
    process: Stoppable,
    changes: Changes,
    durations: Durations,
    drain_announced: Callable[[], bool],
    forced: Callable[[], bool],
) -> KillReason | None:
    """Wait for a graceful exit. Return why the process must be killed, or None when it has ended."""
    grace_ms = durations.kill_grace_ms
    announced = await changes.until(lambda: process.ended or forced() or drain_announced(), within_ms=grace_ms)
    if announced and not process.ended and not forced():
        await changes.until(lambda: process.ended or forced(), within_ms=durations.drain_ms + grace_ms)
    if process.ended:
        return None
    if forced():
        return KillReason.FORCED
    return KillReason.DRAIN_OVERRAN if announced else KillReason.TERM_IGNORED
