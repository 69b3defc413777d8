"""The slots of a worker: how many inferences run at once, by request id. There is no queue: full is an answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from daemons.common.errors import ApiError, ErrorCode


class Slots:
    """A fixed number of slots."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._taken: set[str] = set()

    @property
    def busy(self) -> int:
        """How many are taken now."""
        return len(self._taken)

    @contextmanager
    def take(self, request_id: str) -> Iterator[None]:
        """Hold a slot for the length of the block.

        Raises:
            ApiError: 429 when all are taken.
        """
        if len(self._taken) >= self.total:
            details = {"slots_total": self.total}
            raise ApiError(ErrorCode.BUSY, "all slots of this worker are taken", details=details)
        self._taken.add(request_id)
        try:
            yield
        finally:
            self._taken.remove(request_id)
