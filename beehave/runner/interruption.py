"""The orderly end of a run by a signal.

A signal that comes while a step or a `before` hook runs interrupts it as KeyboardInterrupt. At any other moment
(above all in a cleanup) it is stored, and the current work is completed first. A second signal, which ends the run at
once, is handled by the launcher.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType

from beehave.sandbox.signals import ORDERLY


class Interruption:
    """The signal state of a run, used only in the main thread, where Python runs signal handlers."""

    def __init__(self) -> None:
        self.number: signal.Signals | None = None
        """The first signal, or SIGPIPE for a standard output that was closed; None while there was none."""
        self._may_break_in = False

    def install(self) -> None:
        """Install handlers of SIGINT, SIGTERM, SIGHUP and SIGQUIT, except where the caller ignores them (`nohup`)."""
        for number in ORDERLY:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        signal.signal(signal.SIGQUIT, self._on_quit)

    @property
    def exit_code(self) -> int | None:
        """The exit code of an interrupted run, 128 + N; None when it was not interrupted."""
        return None if self.number is None else 128 + self.number

    @property
    def reason(self) -> str:
        """Why the run ends, as text."""
        if self.number is None:
            return "not interrupted"
        if self.number is signal.SIGPIPE:
            return "standard output was closed"
        return f"{self.number.name} received"

    def request(self, number: signal.Signals) -> None:
        """End the run in order, without interrupting what runs now."""
        if self.number is None:
            self.number = number

    @contextlib.contextmanager
    def may_break_in(self, *, allowed: bool = True) -> Iterator[None]:
        """Within the block, let a signal raise KeyboardInterrupt, or store it until the block has ended.

        Raises:
            KeyboardInterrupt: at once when a signal was stored before the block began.
        """
        before = self._may_break_in
        self._may_break_in = allowed
        try:
            if allowed and self.number is not None:
                raise KeyboardInterrupt(self.reason)
            yield
        finally:
            self._may_break_in = before

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.number is None:
            self.number = signal.Signals(number)
            if self._may_break_in:
                raise KeyboardInterrupt(self.reason)

    def _on_quit(self, number: int, _frame: FrameType | None) -> None:
        faulthandler.dump_traceback(sys.__stderr__ or 2)
        os._exit(128 + number)


def let_children_take_signals() -> None:
    """Replace ignored signals by handlers that do nothing, so that children do not inherit the ignoring.

    nohup and a shell's background jobs ignore signals, but tests and scenarios send them to their own children.
    Unlike an ignored signal, a handler is not inherited, and this process still ignores the signal.
    """
    for number in (*ORDERLY, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
