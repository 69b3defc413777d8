"""Taking a worker back that an earlier hive left behind: ask for the proof, wait for it, and act on the judgement."""

from __future__ import annotations

import asyncio

from daemons.hive.noticeboard import Noticeboard
from daemons.hive.store import StoredWorker
from daemons.hive.workers.adoption import Adoption
from daemons.hive.workers.claim import Claim
from daemons.hive.workers.surroundings import Surroundings, Wishes


async def settle_claim(
    claim: Claim, stored: StoredWorker, wishes: Wishes, board: Noticeboard, hive: Surroundings
) -> Adoption:
    """Wait, bounded, until it is clear what is to become of a stored row; never `AWAIT_PROOF`.

    A process that is there by PID and start time has `orphan_grace_ms` to prove itself: a worker without a hive for
    that long ends itself, so one that neither ended nor spoke is stuck. Without a PID on record a worker that does
    exist comes with a heartbeat, and is missed after `lease_ms`. A stop does not wait for the proof.
    """
    if claim.process is not None:
        claim.process.watch(board.changed)
    durations = hive.durations
    bound_ms = durations.lease_ms if claim.process is None else durations.orphan_grace_ms
    asking = asyncio.create_task(_ask(claim, stored, board, hive))
    try:
        await board.until(
            lambda: wishes.stop is not None or claim.judge() is not Adoption.AWAIT_PROOF, within_ms=bound_ms
        )
    finally:
        asking.cancel()
    return claim.judge(waited=True)


async def _ask(claim: Claim, stored: StoredWorker, board: Noticeboard, hive: Surroundings) -> None:
    """Ask at the row's port for the instance, once a heartbeat, until cancelled."""
    if stored.port is None:
        return
    while True:
        answered = await hive.prober.ask(stored.port)
        if answered is not None:
            claim.answered(answered.instance, answered.pid)
            board.changed()
        await asyncio.sleep(hive.durations.heartbeat_ms / 1000)
