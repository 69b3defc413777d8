"""Ending a worker that is to end: SIGTERM, then time in proportion to what it says, then SIGKILL."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Protocol

from daemons.common.durations import Durations
from daemons.hive.noticeboard import Noticeboard
from daemons.hive.workers.states import KillReason


class Stoppable(Protocol):
    """What the escalation needs of a process."""

    @property
    def ended(self) -> bool:
        """Whether it has ended."""

    def send(self, number: signal.Signals) -> bool:
        """Send it a signal by its identity; False when it is gone."""


async def end_worker(
    process: Stoppable,
    board: Noticeboard,
    durations: Durations,
    *,
    drain_announced: Callable[[], bool],
    forced: Callable[[], bool],
    on_kill: Callable[[KillReason], None],
) -> None:
    """Bring `process` to its end; returns when it has ended.

    A worker that hears SIGTERM says that it drains, at once and before it waits for its requests. One that does not
    say so within `kill_grace_ms` hears nothing and will not end by itself, however long we wait; one that does may
    use its `drain_ms`, and `kill_grace_ms` more to end. `forced` may turn true at any time and ends the wait.
    `on_kill` is called before SIGKILL is sent. Each worker's supervisor runs its own, so several stubborn ones take one
    grace together.
    """
    if not forced():
        process.send(signal.SIGTERM)
        why = await _overstayed(process, board, durations, drain_announced, forced)
        if why is None:
            return
    else:
        why = KillReason.FORCED
    await kill_worker(process, board, why, on_kill=on_kill)


async def kill_worker(
    process: Stoppable, board: Noticeboard, why: KillReason, *, on_kill: Callable[[KillReason], None]
) -> None:
    """SIGKILL, and wait until it has ended."""
    if not process.ended:
        on_kill(why)
        process.send(signal.SIGKILL)
    await board.until(lambda: process.ended)


async def _overstayed(
    process: Stoppable,
    board: Noticeboard,
    durations: Durations,
    drain_announced: Callable[[], bool],
    forced: Callable[[], bool],
) -> KillReason | None:
    """Wait for the end by itself. Returns why the process must be killed, or None when it has ended."""
    heard = await board.until(lambda: process.ended or forced() or drain_announced(), within_ms=durations.kill_grace_ms)
    if heard and not process.ended and not forced():
        await board.until(lambda: process.ended or forced(), within_ms=durations.drain_ms + durations.kill_grace_ms)
    if process.ended:
        return None
    if forced():
        return KillReason.FORCED
    return KillReason.DRAIN_OVERRAN if heard else KillReason.TERM_IGNORED
