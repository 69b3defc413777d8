"""The signals of a daemon, while it starts and while it runs.

Import this first in `__main__`: until the run loop takes over, the imports take some hundred milliseconds in which
the default actions would make a SIGHUP kill and a SIGTERM look like a crash (-15).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from types import FrameType

_STOPPING = (signal.SIGTERM, signal.SIGINT)


def guard_start_up() -> None:
    """Make SIGTERM and SIGINT end a daemon that is still starting at once with 0, and SIGHUP do nothing."""
    for number in _STOPPING:
        signal.signal(number, lambda _number, _frame: os._exit(0))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


class SignalOwner:
    """Calls `stop` for the first SIGTERM or SIGINT, and `reload` for each SIGHUP; a second stop ends at once.

    The handlers are installed with `signal.signal` and not with the loop's `add_signal_handler`, so that the second
    signal works even when the loop is stuck. `stop` and `reload` are called inside the handler: they must only
    schedule (`loop.call_soon_threadsafe`).
    """

    def __init__(
        self,
        *,
        stop: Callable[[signal.Signals], None],
        reload: Callable[[], None],
        last_words: Callable[[signal.Signals], None],
    ) -> None:
        self._stop = stop
        self._reload = reload
        self._last_words = last_words
        self._stopping = False

    def install(self) -> None:
        """Replace the handlers of `guard_start_up`."""
        for number in _STOPPING:
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_hangup)

    def _on_stop(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            self._last_words(signal.Signals(number))
            os._exit(128 + number)
        self._stopping = True
        self._stop(signal.Signals(number))

    def _on_hangup(self, _number: int, _frame: FrameType | None) -> None:
        self._reload()
