"""Output for the user, on a standard output that may be closed during the run (`behave | head -1`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TextIO


def say(line: str) -> None:
    """Print one line and flush, so that it stands in order with the output of child processes."""
    print(line, flush=True)  # noqa: T201 - output for the user


def survive_closed_output(when_closed: Callable[[], None]) -> None:
    """Make writing to a closed standard output or error harmless, and call `when_closed` the first time.

    The methods of the stream objects themselves are replaced: behave's formatters and reporters have kept references
    to the objects since its configuration was read, before any runner exists.
    """
    for stream in (sys.stdout, sys.stderr):
        _guard(stream, when_closed)


def _guard(stream: TextIO, when_closed: Callable[[], None]) -> None:
    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            try:
                return method(*args)
            except BrokenPipeError:
                # Discard what the stream has buffered, and all that follows.
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
                when_closed()
                return len(args[0]) if args else None

        return call

    for name in ("write", "flush"):
        setattr(stream, name, guarded(getattr(stream, name)))
