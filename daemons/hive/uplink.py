"""Leases to the queen: every heartbeat, and at once when something changed; each has the complete state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from daemons.common.client import PeerClient, PeerError
from daemons.common.durations import Durations
from daemons.common.logs import log
from daemons.common.wire import HiveLeaseAnswer
from daemons.hive.changes import Changes
from daemons.hive.wire import Lease


class Uplink:
    """Pushes the lease that `build` returns to the queen at `url`.

    An outage is one log line however long it lasts, with what to do; the hive continues to serve meanwhile. A queen
    that was restarted needs no special message: every lease is a complete registration.
    """

    def __init__(self, client: PeerClient, url: str, durations: Durations, build: Callable[[], Lease]) -> None:
        self.fault: str | None = None
        """Why the queen did not accept the last lease, else None."""
        self._client = client
        self._url = url
        self._durations = durations
        self._build = build
        self._changes = Changes()
        self._asked = 0
        """How often something changed. A push covers all changes before it, so a burst of them is one push."""
        self._pushed = 0
        self._queen_instance: str | None = None

    def changed(self) -> None:
        """Lease at once: something changed."""
        self._asked += 1
        self._changes.notify()

    @property
    def up(self) -> bool:
        """Whether the queen accepted the last lease."""
        return self.fault is None and self._queen_instance is not None

    async def flush(self) -> None:
        """Wait until the queen knows every change before this call, or `connect_ms` are over."""
        wanted = self._asked
        if self.up:
            await self._changes.until(
                lambda: self._pushed >= wanted or not self.up, within_ms=self._durations.connect_ms
            )

    async def run(self) -> None:
        """Lease until cancelled."""
        pause_ms = self._first_pause_ms
        while True:
            # Pauses count from the beginning of a push: a slow link must not make heartbeats rarer, and a push that
            # hung has waited long enough already, so that a healed link is noticed at once.
            began = time.monotonic()
            if await self.push():
                spent_ms = (time.monotonic() - began) * 1000
                within_ms = max(0.0, self._durations.heartbeat_ms - spent_ms)
                await self._changes.until(lambda: self._asked > self._pushed, within_ms=within_ms)
                pause_ms = self._first_pause_ms
            else:
                # While the queen is away changes wait too: the next lease has the complete state anyway.
                await asyncio.sleep(max(0.0, began + pause_ms / 1000 - time.monotonic()))
                pause_ms = min(pause_ms * 2, self._durations.heartbeat_ms)

    async def push(self) -> bool:
        """Lease once. Return whether the queen accepted it."""
        asked = self._asked
        lease = self._build()
        try:
            answer = await self._client.call(
                "PUT", self._url, json_body=lease.model_dump(mode="json"), connect_ms=self._durations.push_connect_ms
            )
            if answer.ok:
                self._accepted(HiveLeaseAnswer.model_validate(answer.json()), asked)
                return True
            self._missed(f"HTTP {answer.status}", gone=answer.status == 410)
        except PeerError as error:
            self._missed(str(error.fault), gone=False)
        except ValueError:
            self._missed("an invalid answer", gone=False)
        return False

    @property
    def _first_pause_ms(self) -> float:
        """A tenth of a heartbeat: a queen restarts within a few of these."""
        return self._durations.heartbeat_ms / 10

    def _accepted(self, answer: HiveLeaseAnswer, asked: int) -> None:
        if self.fault is not None:
            log.info("queen_reached_again")
        if answer.queen_instance != self._queen_instance:
            log.info("registered", queen_instance=answer.queen_instance, lease_ms=answer.lease_ms)
        self.fault, self._queen_instance, self._pushed = None, answer.queen_instance, asked
        self._changes.notify()

    def _missed(self, fault: str, *, gone: bool) -> None:
        if self.fault is None:
            advice = (
                "a newer hive with this hive_id is registered, or this one was removed; stop one, or change its hive_id"
                if gone
                else "check that the queen runs and that queen.url is right; this hive continues to serve and to try"
            )
            log.warning("queen_unreachable" if not gone else "lease_refused", why=fault, advice=advice)
        self.fault = fault
        self._changes.notify()
