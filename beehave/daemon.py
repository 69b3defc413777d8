"""One daemon of a scenario: its place, the process that runs it now, and whether that is ready."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beehave.addresses import Address
from beehave.http import Client
from beehave.identity import descendants
from beehave.process.listeners import listeners_of
from beehave.process.table import ManagedProcess
from beehave.settings import DaemonSettings

HEALTH_TIMEOUT_S = 2.0
"""How long one look at a daemon's readiness may take."""

FileState = tuple[int, int] | None
"""A file's inode and the time of its last change in nanoseconds; None where there is no file."""


def state_of(path: Path | None) -> FileState:
    """Return the state of a file, by which a new or rewritten one is answered from an old one."""
    if path is None or not path.exists():
        return None
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


@dataclass
class Daemon:
    """One daemon: its place, how it is started, and the process that runs it now."""

    role: str
    name: str
    address: Address
    settings: DaemonSettings
    argv: list[str]
    process: ManagedProcess
    client: Client
    config: dict[str, Any] = field(default_factory=dict)
    """What its configuration file says, where the project wrote one."""
    ready_file: Path | None = None
    """Where the file of `ready = "file: PATH"` is to appear."""
    left_before: FileState = None
    """What stood there before the process was started: it shows nothing about this one."""
    instance: str | None = None
    """The `instance` of its readiness answer, where that has one: another process has another one."""

    def is_running(self) -> bool:
        """Look whether its process runs."""
        running = self.process.alive()
        self._observe("process", pid=self.process.pid, running=running)
        return running

    def log_lines(self) -> list[str]:
        """Look at what the process that runs now, or ran last, has written; return its lines."""
        lines = self.process.log_lines(since=self.process.log_start)
        self._observe("log", lines=len(lines), last=lines[-1:])
        return lines

    def unready(self) -> str | None:
        """Look once, in the way that its settings name; return what is missing, None when it is ready."""
        form, _, text = self.settings.ready.partition(":")
        if form.startswith("/"):
            return self._lacks_answer()
        if form == "log":
            lines = self.log_lines()
            found = any(text.strip() in line for line in lines)
            return None if found else f"{len(lines)} lines in its log, none with {text.strip()!r}"
        return self._lacks_file() if form == "file" else self._lacks_listener()

    def _lacks_answer(self) -> str | None:
        answer = self.client.get(self.settings.ready, timeout_s=HEALTH_TIMEOUT_S)
        if answer.status != 200:
            return str(answer)
        try:
            answered = json.loads(answer.text)
        except json.JSONDecodeError:
            answered = None
        if not isinstance(answered, dict) or "pid" not in answered:
            lacking = self._lacks_listener()
            return f"{answer}, but {lacking}" if lacking else None
        self.instance = answered.get("instance")
        return None if answered["pid"] in self._pids() else f"{answer}, which is another process"

    def _lacks_listener(self) -> str | None:
        ports = sorted({listener.port for listener in listeners_of(self._pids())})
        self._observe("listeners", ports=ports)
        if self.address.port in ports:
            return None
        return (
            f"its process listens on {', '.join(map(str, ports)) or 'no port'}, not on {self.address.port}: "
            "its command line or environment is to hand on {host} and {port}"
        )

    def _lacks_file(self) -> str | None:
        now = state_of(self.ready_file)
        self._observe("file", path=str(self.ready_file), there=now is not None)
        if now is None:
            return f"there is no file {self.ready_file}"
        return None if now != self.left_before else f"{self.ready_file} is from before its start, and unchanged"

    def _pids(self) -> set[int]:
        """Return its process and the children of it, for the command may be a wrapper."""
        return {self.process.pid, *(child.pid for child in descendants(self.process.pid))}

    def _observe(self, what: str, **seen: Any) -> None:
        self.process.journal.observe(what, daemon=self.name, **seen)
