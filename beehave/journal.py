"""The journal: one NDJSON line for each action and observation of a run, flushed before the next one.

Reports are made from this file alone, so a run that was killed half-way still has one.
"""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Journal:
    """Append-only event log of one run, safe to use from several threads.

    Each line carries `sequence` (from 1), `at` (ISO 8601, UTC), `elapsed_ms` (monotonic, since the journal was
    opened), `kind`, and the fields of its event. The kinds in use: `run_started`, `run_ended`,
    `scenario_started`, `scenario_ended`, `step`, `process_started`, `process_exited`, `signal`, `fault`, `heal`,
    `request`, `observation`, `check`, `figure`, `census`, `leak`, `note`.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.observations = 0
        """The number of observations so far; a `Then` must add at least one."""
        self.checks = 0
        """The number of conditions that the harness itself asserted so far (see `beehave.conditions`)."""
        self._lock = threading.Lock()
        self._sequence = 0
        self._opened = time.monotonic()
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def record(self, kind: str, **fields: Any) -> int:
        """Write one event and return its sequence number. Values that JSON lacks are written as text."""
        with self._lock:
            self._sequence += 1
            line = {
                "sequence": self._sequence,
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "elapsed_ms": round((time.monotonic() - self._opened) * 1000, 3),
                "kind": kind,
                **fields,
            }
            self._file.write(json.dumps(line, default=str) + "\n")
            return self._sequence

    def observe(self, what: str, **seen: Any) -> None:
        """Record an observation of the product: an answer, a file, /proc, a log line."""
        self.observations += 1
        self.record("observation", what=what, **seen)

    def checked(self, what: str) -> None:
        """Record that the harness asserted a condition on an observation, and that it held."""
        self.checks += 1
        self.record("check", what=what)

    def figure(self, what: str, took_s: float, *, bound_s: float, why: str) -> None:
        """Record how long the product took for something, and its bound; the report shows both.

        Args:
            what: from what to what, as `cut to suspect`; the same text each time it is measured.
            took_s: in seconds.
            bound_s: in seconds.
            why: where the bound comes from.
        """
        self.record("figure", name=what, took_ms=took_s * 1000, bound_ms=bound_s * 1000, why=why)

    def close(self) -> None:
        """Close the file; recording after that is an error of the caller."""
        self._file.close()


def read(path: Path) -> list[dict[str, Any]]:
    """Return all complete events of a journal, oldest first; a half-written last line is left out."""
    events: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return events
