"""Passive mark-down: a hive or worker that refused or reset a connection is avoided for a short time."""

from __future__ import annotations

from collections.abc import Callable


class Cooldowns:
    """Marked-down hives or workers, each until an instant of the monotonic clock.

    A key holds the instance (`(hive_id, instance)`, `(worker_id, instance)`), so that a successor never inherits
    the mark of the process before it.
    """

    def __init__(self, cool_down_s: float, clock: Callable[[], float]) -> None:
        """cool_down_s: how long a mark holds; clock: monotonic seconds."""
        self._cool_down_s = cool_down_s
        self._clock = clock
        self._until: dict[tuple[str, str], float] = {}

    def mark(self, key: tuple[str, str]) -> bool:
        """Mark `key` down from now on; return False when it already was (the mark is then renewed)."""
        fresh = not self.is_down(key)
        self._until[key] = self._clock() + self._cool_down_s
        return fresh

    def clear(self, key: tuple[str, str]) -> bool:
        """Remove the mark after a served request; return whether there was one."""
        was_down = self.is_down(key)
        self._until.pop(key, None)
        return was_down

    def is_down(self, key: tuple[str, str]) -> bool:
        """Return whether the mark still holds. An expired one is removed."""
        until = self._until.get(key)
        if until is None:
            return False
        if self._clock() < until:
            return True
        del self._until[key]
        return False
