"""The daemons' JSON log lines as observations: the events that were logged since a mark."""

from __future__ import annotations

import json
from typing import Any

from beehave.journal import Journal
from beehave.process.table import ManagedProcess


def log_events(journal: Journal, process: ManagedProcess, event: str, *, since: int = 0) -> list[dict[str, Any]]:
    """Return the log lines of one event that a daemon wrote after `since` (see `ManagedProcess.log_mark`).

    Raises:
        AssertionError: a line since the mark is not JSON, although the contract requires JSON logs.
    """
    found = []
    for line in process.log_lines(since=since):
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            raise AssertionError(f"{process.name} wrote a log line that is not JSON ({error}): {line!r}") from error
        if entry.get("event") == event:
            found.append(entry)
    journal.observe("log", daemon=process.name, event=event, found=found)
    return found
