"""The operating-system process of a worker: started or adopted, watched to its end, signalled by identity."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from daemons.common.process import is_same_process, signal_process, start_ticks, wait_gone

_LOOK_AGAIN_S: Final = 0.02
"""A process whose first thread has ended looks like a zombie while its other threads run: rare, so polling will do."""


class WorkerProcess:
    """A process identified by PID and start time. `ended` becomes true once, and stays true.

    A process that this hive started is its child: its exit status is known and it is reaped at once, by its own PID
    (`waitpid(-1)` would steal the status of another worker). An adopted one is not a child of this hive: its end
    is seen just as soon, by pidfd, but the kernel reports its status to its parent alone.
    """

    def __init__(
        self, pid: int, ticks: int | None, child: subprocess.Popen[bytes] | None, *, log_begins: int = 0
    ) -> None:
        self.pid = pid
        self.log_begins = log_begins
        """The byte of its log at which its own lines begin; 0 when that is not known."""
        self.start_ticks = ticks
        self.ended = False
        self.exit_status: int | None = None
        self.signal: int | None = None
        self._child = child
        self._watcher: asyncio.Task[None] | None = None

    @classmethod
    def start(cls, argv: Sequence[str], log_path: Path) -> WorkerProcess:
        """Start a command in its own session, with stdout and stderr appended to `log_path`.

        In its own session it outlives a killed hive and does not get the terminal's Ctrl-C. It inherits the
        environment and no descriptor but its log: the hive's listening socket would stay open when the hive is dead.
        Raises OSError when the command cannot be executed.
        """
        with log_path.open("ab") as log_file:
            log_begins = log_file.tell()
            child = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                close_fds=True,
            )
        # The child was not reaped yet, so its PID cannot have been reused.
        return cls(child.pid, start_ticks(child.pid), child, log_begins=log_begins)

    @classmethod
    def adopt(cls, pid: int, ticks: int) -> WorkerProcess:
        """Return the process that an earlier hive started."""
        return cls(pid, ticks, None)

    @property
    def adopted(self) -> bool:
        """Whether it is not this hive's child, so that its exit status cannot be known."""
        return self._child is None

    def watch(self, on_end: Callable[[], None]) -> None:
        """Call `on_end` as soon as it has ended, with `ended` and the exit status set. Repeated calls do nothing."""
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._wait(on_end))

    async def _wait(self, on_end: Callable[[], None]) -> None:
        await wait_gone(self.pid, self.start_ticks)
        while not self._over():  # noqa: ASYNC110 the kernel sends no later event
            await asyncio.sleep(_LOOK_AGAIN_S)
        self.ended = True
        on_end()

    def _over(self) -> bool:
        """Return whether it has ended; this call, which never blocks, also reaps a child."""
        if self._child is None:
            return not is_same_process(self.pid, self.start_ticks)
        status = self._child.poll()
        if status is None:
            return False
        self.exit_status, self.signal = (status, None) if status >= 0 else (None, -status)
        return True

    def alive(self) -> bool:
        """Return whether it is running now, by its identity; a zombie is not."""
        return not self.ended and is_same_process(self.pid, self.start_ticks)

    def send(self, number: signal.Signals) -> bool:
        """Signal exactly this process, never another with its PID. Return False when it is gone."""
        return not self.ended and signal_process(self.pid, self.start_ticks, number)
