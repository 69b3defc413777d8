"""A process that has nothing to do with the cluster, and comes to have the PID that a worker's row names."""

from __future__ import annotations

import sys

from beehave.conditions import eventually
from cluster.cluster import Cluster

PROGRAM = (
    "import signal, sys, time; "
    "signal.signal(signal.SIGTERM, lambda *_: (print('got SIGTERM', flush=True), sys.exit(0))); "
    "print('here', flush=True); time.sleep(600)"
)
"""Prints that it has started, and when it is asked to end; sleeps ten minutes."""


class Stranger:
    """The process, which has started."""

    def __init__(self, cluster: Cluster) -> None:
        self._journal = cluster.journal
        argv = [sys.executable, "-c", PROGRAM]
        self.process = cluster.processes.spawn("stranger", "stranger", argv, log_path=cluster.folder / "stranger.log")
        eventually(
            self._journal, "the stranger is there", self.process.log_lines, lambda lines: "here" in lines, within_s=10
        )

    def seen(self) -> tuple[bool, list[str]]:
        """Return whether it lives, and what it has printed."""
        alive, lines = self.process.alive(), self.process.log_lines()
        self._journal.observe("stranger", alive=alive, lines=lines)
        return alive, lines
