"""JSON logs on stderr by structlog, one object a line, which never block and never raise.

A line is written to the descriptor only when the kernel reports that it can be: a reader that is gone
(closed pipe) or stuck (full pipe) costs lines, which are counted and reported, but never a daemon's time.
"""

from __future__ import annotations

import errno
import logging
import os
import select
from typing import Any, Final

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_REQUEST_ID = "request_id"
_PIPE_CHUNK = select.PIPE_BUF
"""A pipe that polls writable takes this many bytes without blocking (POSIX)."""
_LONG_LINE_WAIT_MS = 50
"""How long the rest of a line longer than PIPE_BUF may wait for its reader, so that it is not cut in two."""
_READER_GONE = frozenset({errno.EPIPE, errno.EBADF, errno.EIO, errno.ENOSPC, errno.EAGAIN, errno.EFBIG})


def bind_request_id(request_id: str) -> None:
    """Put this request id into all log lines and errors of this task and of those that it starts."""
    structlog.contextvars.bind_contextvars(**{_REQUEST_ID: request_id})


def current_request_id() -> str:
    """Return the request id bound to this task; empty outside a request."""
    return str(structlog.contextvars.get_contextvars().get(_REQUEST_ID, ""))


class _Sink:
    """structlog's output: writes rendered lines to a descriptor whose reader may be gone."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._dropped = 0

    def msg(self, message: str) -> None:
        """Write one rendered line, or count it as dropped; lines that were dropped before are reported first."""
        if self._dropped and self.write(str(_renderer(None, "warning", self._lost_lines()))):
            self._dropped = 0
        if not self.write(message):
            self._dropped += 1

    debug = info = warning = error = critical = msg

    def write(self, line: str) -> bool:
        """Write a line and its end if the descriptor takes it now; False when it does not."""
        data = (line + "\n").encode(errors="backslashreplace")
        poll = select.poll()
        wait_ms = 0
        try:
            poll.register(self._descriptor, select.POLLOUT)
            while data:
                ready = poll.poll(wait_ms)
                if not ready or not ready[0][1] & select.POLLOUT:
                    return False
                data = data[os.write(self._descriptor, data[:_PIPE_CHUNK]) :]
                wait_ms = _LONG_LINE_WAIT_MS
        except OSError as error:
            if error.errno in _READER_GONE:
                return False
            raise
        return True

    def _lost_lines(self) -> EventDict:
        event: EventDict = {"level": "warning", "event": "log_lines_dropped", "lines": self._dropped}
        return _stamp(None, "warning", _add_common(None, "warning", event))


class _LibraryHandler(logging.Handler):
    """Writes what libraries log through `logging` (uvicorn, asyncio, aiohttp) as the same JSON lines."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        write = getattr(log, level if level in LEVELS else "error")
        write("library_log", logger=record.name, message=record.getMessage(), exc_info=record.exc_info)


_sink = _Sink()
_common: dict[str, Any] = {}
_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _add_common(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {**_common, **event}


_renderer = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)


def set_level(level: str) -> None:
    """Change the level of a running daemon: debug, info, warning or error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _stamp,
            _add_common,
            structlog.processors.format_exc_info,
            _renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: _sink,
        cache_logger_on_first_use=False,  # or a changed level would not reach the modules' loggers
    )


def configure(*, role: str, name: str, instance: str, level: str = "info") -> None:
    """Set the fields of every line of this process, and include the libraries' warnings."""
    _common.update(role=role, name=name, instance=instance, pid=os.getpid())
    set_level(level)
    root = logging.getLogger()
    root.handlers = [_LibraryHandler()]
    root.setLevel(logging.WARNING)


def say(line: str) -> None:
    """Write one plain line on stderr for the operator: why a daemon ends."""
    _sink.write(" ".join(line.split()))


set_level("info")
log: Final[FilteringBoundLogger] = structlog.get_logger()
"""The one logger of a daemon: a snake_case event and fields. Never log a token or a body."""
