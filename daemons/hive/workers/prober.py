"""Health probes: which worker answers at a port, and whether it answers at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from daemons.common.client import PeerClient, PeerError
from daemons.common.daemon import Address
from daemons.common.durations import Durations


@dataclass(frozen=True, slots=True)
class Answered:
    """The identity of the daemon that answered."""

    instance: str
    pid: int


class Strikes:
    """Counts consecutive failed probes. One answer clears the count: a worker that recovers needs no restart."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0

    def note(self, *, answered: bool) -> bool:
        """Count one probe. Return whether the worker counts as healthy."""
        self._count = 0 if answered else self._count + 1
        return self._count < self._limit


class Prober:
    """Probes the workers of one node, which all listen on `worker_host`."""

    def __init__(self, client: PeerClient, worker_host: str, durations: Durations) -> None:
        self._client = client
        self._worker_host = worker_host
        self._durations = durations

    def url(self, port: int) -> str:
        """Return the base URL of the worker at this port."""
        return Address(self._worker_host, port).url

    async def ask(self, port: int) -> Answered | None:
        """Return who answers `/health` at this port within `probe_timeout_ms`; None when no daemon of ours does."""
        try:
            answer = await self._client.call("GET", f"{self.url(port)}/health")
            body: Any = answer.json() if answer.ok else None
        except PeerError:
            return None
        if not isinstance(body, dict):
            return None
        instance, pid = body.get("instance"), body.get("pid")
        return Answered(instance, pid) if isinstance(instance, str) and isinstance(pid, int) else None

    async def watch(self, port: Callable[[], int | None], instance: str, on_result: Callable[[bool], None]) -> None:
        """Probe every `probe_ms` until cancelled; pass to `on_result` after each whether the worker counts as healthy.

        Only an answer of this instance counts: another process may have got the port after the worker closed it.
        """
        strikes = Strikes(self._durations.probe_strikes)
        while True:
            await asyncio.sleep(self._durations.probe_ms / 1000)
            at = port()
            if at is not None:
                answered = await self.ask(at)
                on_result(strikes.note(answered=answered is not None and answered.instance == instance))
