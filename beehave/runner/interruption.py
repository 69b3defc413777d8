"""What a signal does to a run: it ends it in order. (The second, which ends it at once, is the launcher's.)

A signal that comes while a step or a `before` hook runs breaks into it as KeyboardInterrupt. At any other moment
(a cleanup above all) it is remembered, and what is under way is completed first.
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
    """The one signal state of a run. All of it happens in the main thread, where Python runs signal handlers."""

    def __init__(self) -> None:
        self.number: signal.Signals | None = None
        """The first signal, or SIGPIPE for a standard output that was closed; None while there was none."""
        self._may_break_in = False

    def install(self) -> None:
        """Take over SIGINT, SIGTERM, SIGHUP and SIGQUIT, except where the caller wants them ignored (`nohup`)."""
        for number in ORDERLY:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        signal.signal(signal.SIGQUIT, self._on_quit)

    @property
    def exit_code(self) -> int | None:
        """What an interrupted run exits with: 128 + N; None when it was not interrupted."""
        return None if self.number is None else 128 + self.number

    @property
    def reason(self) -> str:
        """Why the run ends, in words."""
        if self.number is None:
            return "not interrupted"
        if self.number is signal.SIGPIPE:
            return "standard output was closed"
        return f"{self.number.name} received"

    def request(self, number: signal.Signals) -> None:
        """End the run in order, without breaking into what runs now."""
        if self.number is None:
            self.number = number

    @contextlib.contextmanager
    def may_break_in(self, *, allowed: bool = True) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt within the block, or keep it out of the block.

        Raises:
            KeyboardInterrupt: at once when a signal was remembered before the block began.
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
    """Undo what nohup and a shell's background jobs do: a signal that is ignored here is ignored in all children too.

    Tests and scenarios send their own children these signals. A handler, unlike an ignored signal, is not
    inherited, and this one lets the present process go on as it was asked to.
    """
    for number in (*ORDERLY, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
