"""A running hive that is sent SIGHUP to read its configuration anew, from a file that is half wrong."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Any

from beehave.conditions import always, eventually
from beehave.process.logs import log_events
from beehave.toml_writer import write_toml
from cluster.cluster import Cluster
from cluster.history import History

SOUND = {"slots": 2}
"""What the file changes rightly in `[worker]`: applied, it would show in the next spawn."""
UNSOUND = {"heartbeat_ms": "soon"}
"""What it changes wrongly in `[durations]`."""


@dataclass(frozen=True)
class SentSIGHUP:
    """A hive was sent SIGHUP, and its log had ended here."""

    log_mark: int


class Reload:
    """Writes the file, sends SIGHUP, and looks at what became of the hive."""

    def __init__(self, cluster: Cluster, history: History) -> None:
        self._cluster = cluster
        self._history = history

    def with_bad_file(self) -> None:
        """Change one value rightly and one wrongly, and send SIGHUP."""
        hive = self._cluster.first_hive
        changed = {"worker": hive.config["worker"] | SOUND, "durations": hive.config["durations"] | UNSOUND}
        write_toml(self._cluster.config_path(hive.name), hive.config | changed)
        self._history.keep(SentSIGHUP(hive.process.log_mark()))
        hive.process.signal(signal.SIGHUP, why="it is to read its configuration anew")

    def refusals(self) -> list[dict[str, Any]]:
        """Return the hive's log lines that refuse the file, once there is one."""
        hive = self._cluster.first_hive
        mark = self._history.kept(SentSIGHUP, "sent SIGHUP to a hive").log_mark
        return eventually(
            self._cluster.journal,
            f"{hive.name} logs that it refuses the file",
            lambda: log_events(self._cluster.journal, hive.process, "reload_refused", since=mark),
            bool,
            within_s=5,
            impossible=lambda: None if hive.process.alive() else hive.process.describe(),
        )

    def instance_for_two_heartbeats(self) -> str | None:
        """Check for two heartbeats (a graceful exit takes time) that the hive answers; return its instance."""
        hive = self._cluster.first_hive
        answer = always(
            self._cluster.journal,
            f"{hive.name} answers",
            lambda: hive.client.get("/health", timeout_s=2),
            lambda answer: answer.status == 200 and answer.json["status"] == "ok",
            for_s=2 * self._cluster.durations.heartbeat_ms / 1000,
        )
        return str(answer.json["instance"])
