"""The deadline of a request: milliseconds left on the wire, an instant of the monotonic clock inside a daemon."""

from __future__ import annotations

import time
from dataclasses import dataclass

from daemons.common.errors import ApiError, ErrorCode

HEADER = "x-deadline-ms"

_MAX_DIGITS = 10
"""Longer numbers are over 115 days: a mistake, not a deadline."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant on `time.monotonic()`. A hop passes on only what is left, so it never grows."""

    at: float

    @classmethod
    def after_ms(cls, ms: float, *, since: float | None = None) -> Deadline:
        """Return the deadline `ms` milliseconds after `since` (an instant of the monotonic clock; now when None)."""
        return cls((time.monotonic() if since is None else since) + ms / 1000)

    @classmethod
    def from_header(cls, value: str | None, *, default_ms: int, since: float | None = None) -> Deadline:
        """Read X-Deadline-Ms; `default_ms` is used when the header is absent.

        Raises:
            ApiError: 400 when the header is not a whole number of milliseconds.
        """
        if value is None:
            return cls.after_ms(default_ms, since=since)
        text = value.strip()
        if not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
            raise ApiError(
                ErrorCode.BAD_REQUEST,
                "X-Deadline-Ms must be a whole number of milliseconds, without sign or fraction",
            )
        return cls.after_ms(int(text), since=since)

    def remaining_ms(self) -> int:
        """Return the milliseconds left, rounded down so that a hop never passes on more than it has; at least 0."""
        return max(0, int((self.at - time.monotonic()) * 1000))
