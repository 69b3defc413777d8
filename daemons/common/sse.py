"""Follows a relayed event stream: passes complete events on unchanged, and knows whether the stream is complete.

An incomplete event is held back until its rest comes. So a stream that breaks in the middle of one ends after the last
complete event: no client has to parse half a JSON object, and the error chunk does not run into it.
"""

from __future__ import annotations

import re
from typing import Final

from daemons.common.errors import ErrorCode, code_of

MAX_EVENT_BYTES: Final = 1024 * 1024
"""An event is one token with its frame; one that exceeds this is not an event stream."""

# A line ends with CRLF, LF or CR; an empty line ends an event (HTML standard, server-sent events). The groups are
# atomic: one CRLF must not count as CR and LF.
_EVENT_END: Final = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_DONE: Final = re.compile(rb"(?:^|[\r\n])data: ?\[DONE\][\r\n]")
_ERROR: Final = re.compile(rb'(?:^|[\r\n])data: ?(\{\s*"error"\s*:[^\r\n]*)')


class NotAnEventStreamError(Exception):
    """An event grew beyond MAX_EVENT_BYTES."""


class SseTail:
    """The end of a stream so far, however its bytes are cut into chunks."""

    def __init__(self) -> None:
        self.saw_done = False
        """`data: [DONE]` has passed: the stream is complete."""
        self.saw_error = False
        """`data: {"error": ...` has passed: the stream itself reports that it broke."""
        self.error_code: ErrorCode | None = None
        """The code of that error; None when it is not one of ours."""
        self._held = b""

    @property
    def held_bytes(self) -> int:
        """How much of an unfinished event is held back."""
        return len(self._held)

    @property
    def complete(self) -> bool:
        """Whether the stream may end here: it is done, or has reported an error."""
        return self.saw_done or self.saw_error

    def feed(self, chunk: bytes) -> bytes:
        """Take the next bytes; return those to pass on now: complete events, perhaps none.

        Raises:
            NotAnEventStreamError: an event does not end.
        """
        data = self._held + chunk if self._held else chunk
        end = _last_event_end(data)
        events, self._held = data[:end], data[end:]
        if len(self._held) > MAX_EVENT_BYTES:
            raise NotAnEventStreamError
        self._look_at(events)
        return events

    def _look_at(self, events: bytes) -> None:
        # The substring tests are cheap, and avoid the expressions for nearly every token.
        if b"[DONE]" in events and _DONE.search(events):
            self.saw_done = True
        if b'"error"' in events and (found := _ERROR.search(events)):
            self.saw_error = True
            self.error_code = code_of(found[1])


def _last_event_end(data: bytes) -> int:
    """Return the index behind the last complete event; 0 when there is none."""
    if data.endswith(b"\n\n"):
        return len(data)
    end = 0
    for found in _EVENT_END.finditer(data):
        end = found.end()
    return end
