"""The ids of requests that have been served, so that a late duplicate of one is not run again.

TCP delivers what was sent on a cut link when it heals, although the client has given up by then and perhaps sent the
request again. The request's id distinguishes the duplicate from a new request.
"""

from __future__ import annotations

from collections import deque
from typing import Final

KEPT: Final = 10_000
"""How many are remembered: at ten requests a second those of a quarter of an hour, after which TCP itself has given up
(tcp(7), tcp_retries2)."""


class ServedIds:
    """The ids of the last requests that were served to their end; one that failed may be repeated."""

    def __init__(self, kept: int = KEPT) -> None:
        """kept: how many are remembered; the oldest go first."""
        self._kept = kept
        # Hashes, since 10,000 ids of a client's choice could be a megabyte; 64 bits do not collide in practice.
        self._order: deque[int] = deque()
        self._known: set[int] = set()

    def __contains__(self, request_id: str) -> bool:
        return hash(request_id) in self._known

    def __len__(self) -> int:
        return len(self._order)

    def add(self, request_id: str) -> None:
        """Remember that this request has been served."""
        key = hash(request_id)
        if key in self._known:
            return
        self._known.add(key)
        self._order.append(key)
        if len(self._order) > self._kept:
            self._known.discard(self._order.popleft())
