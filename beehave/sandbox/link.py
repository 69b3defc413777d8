"""The pipe from the run inside the sandbox to its launcher: facts as JSON lines."""

from __future__ import annotations

import json
import os
import select
from typing import Any


class Link:
    """The pipe, opened before the fork; each side then keeps its own end."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._half_line = b""
        self.launcher_pid = os.getpid()
        """PID of the process that made the link, in the user's PID namespace."""

    def keep_writer(self) -> None:
        """Become the sending side."""
        os.close(self._reader)

    def keep_reader(self) -> None:
        """Become the receiving side."""
        os.close(self._writer)

    def send(self, **facts: Any) -> None:
        """Send facts; it is no error if the launcher is gone already."""
        try:
            os.write(self._writer, json.dumps(facts, default=str).encode() + b"\n")
        except BrokenPipeError:
            return

    def wait_for_facts(self) -> dict[str, Any] | None:
        """Wait for the next line and return its facts, None when the other side has ended."""
        while b"\n" not in self._half_line:
            try:
                chunk = os.read(self._reader, 65536)
            except BlockingIOError:
                return None
            if not chunk:
                return None
            self._half_line += chunk
        line, _, self._half_line = self._half_line.partition(b"\n")
        facts: dict[str, Any] = json.loads(line)
        return facts

    def remaining_facts(self) -> dict[str, Any]:
        """Return what was sent and not read yet, later values over earlier ones, without waiting.

        A process that outlived the run may still hold the other end, so the end of the file may never come.
        """
        os.set_blocking(self._reader, False)
        facts: dict[str, Any] = {}
        while b"\n" in self._half_line or select.select([self._reader], [], [], 0)[0]:
            received = self.wait_for_facts()
            if received is None:
                break
            facts |= received
        return facts
