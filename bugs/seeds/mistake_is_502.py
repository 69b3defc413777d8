"""A worker's 404 is passed on as 502 worker_lost: a hive takes every answer that is no 200 for a lost worker.

Imagined, next to REAL_BUGS 32. A client that obeys the code repeats its mistake.
"""

from __future__ import annotations

import aiohttp

from daemons.common.client import PeerFault
from daemons.common.relay import _BrokenError, _Exchange

ROLE = "hive"
PATCHES = "daemons.common.relay:_Exchange._refused"
CAUGHT_BY = ["features/full_stack/requests.feature::A client's mistakes do not count against the worker"]


def seeded(original: object) -> object:  # noqa: ARG001
    """No look at what it says."""

    async def _refused(self: _Exchange, response: aiohttp.ClientResponse) -> _BrokenError:
        await self._read_whole(response)
        return self._broken(PeerFault.UNREADABLE)

    return _refused
