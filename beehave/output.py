"""What a person is told, on a standard output that may be closed under the run (`behave | head -1`)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TextIO


def say(line: str) -> None:
    """Print one line at once: a command's own output, in its place between that of its children."""
    print(line, flush=True)  # noqa: T201 - what a person is told


def survive_closed_output(when_closed: Callable[[], None]) -> None:
    """Make writing to a closed standard output or error harmless and call `when_closed` the first time.

    The methods of the stream objects themselves are replaced: behave's formatters and reporters took hold of the
    objects when its configuration was read, before any runner exists.
    """
    for stream in (sys.stdout, sys.stderr):
        _guard(stream, when_closed)


def _guard(stream: TextIO, when_closed: Callable[[], None]) -> None:
    def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            try:
                return method(*args)
            except BrokenPipeError:
                # What the stream has buffered, and all that follows, goes nowhere.
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
                when_closed()
                return len(args[0]) if args else None

        return call

    for name in ("write", "flush"):
        setattr(stream, name, guarded(getattr(stream, name)))
