"""The features in three shards that run side by side, each in a sandbox of its own, with one report of all.

Runs of behave wait more than they work: three at once keep two cores half busy. The harness's own features are one
shard, since they know no cluster; the others are halved.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from beehave.journal import read
from beehave.output import say
from beehave.report.report import write_report
from beehave.session import JOURNAL_NAME, new_run_folder

FEATURES = "features"
OWN = "harness"
"""The folder of the harness's own features."""


def shards(folder: Path) -> list[list[str]]:
    """Return the features of each shard; by their size the halves are about equally long."""
    largest_first = sorted((folder / FEATURES).rglob("*.feature"), key=lambda path: (-path.stat().st_size, path))
    own: list[Path] = []
    halves: list[list[Path]] = [[], []]
    for path in largest_first:
        if path.is_relative_to(folder / FEATURES / OWN):
            own.append(path)
        else:
            min(halves, key=lambda half: sum(each.stat().st_size for each in half)).append(path)
    found = [sorted(path.relative_to(folder).as_posix() for path in shard) for shard in (*halves, own)]
    return [shard for shard in found if shard]


def run_shards(folder: Path, command: Sequence[str], environment: dict[str, str]) -> tuple[Path, bool]:
    """Run all features by this command line; returns the folder with the report of them all, and whether all passed.

    The first shard prints as it goes, the others when they have ended.
    """
    place = new_run_folder(folder, os.getpid())
    seed = f"seed={secrets.randbelow(1_000_000)}"
    logs: list[Path] = []
    running: list[subprocess.Popen[bytes]] = []
    for number, paths in enumerate(shards(folder)):
        shard = place / f"shard-{number}"
        shard.mkdir()
        logs.append(shard / "behave.log")
        arguments = [*command, *paths, "-D", f"run_folder={shard}", "-D", seed]
        with logs[-1].open("wb") as file:
            output = file.fileno() if number else None
            running.append(subprocess.Popen(arguments, cwd=folder, env=environment, stdout=output, stderr=output))
    statuses = [process.wait() for process in running]
    for log in logs[1:]:
        say(log.read_text(encoding="utf-8", errors="replace").rstrip())
    merge([log.with_name(JOURNAL_NAME) for log in logs], place / JOURNAL_NAME)
    say(f"report of all: {write_report(place / JOURNAL_NAME).relative_to(folder)}")
    return place, not any(statuses)


def merge(journals: Sequence[Path], into: Path) -> None:
    """Write one journal with the events of several, one after the other: begun with the first, ended with the last.

    It has no end when one of them has none, and did not pass when one did not.
    """
    runs = [read(path) if path.exists() else [] for path in journals]
    begins = [event for events in runs for event in events if event["kind"] == "run_started"]
    ends = [event for events in runs for event in events if event["kind"] == "run_ended"]
    between = [event for events in runs for event in events if event["kind"] not in {"run_started", "run_ended"}]
    whole = [*begins[:1], *between]
    if len(ends) == len(runs):
        whole.append(_end_of_all(ends))
    lines = [json.dumps(event | {"sequence": number}) for number, event in enumerate(whole, start=1)]
    into.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _end_of_all(ends: Sequence[dict[str, Any]]) -> dict[str, Any]:
    worst = next((end for end in ends if end["verdict"] != "passed"), ends[-1])
    problems = [problem for end in ends for problem in end.get("problems", [])]
    return worst | {"problems": problems, "elapsed_ms": max(end["elapsed_ms"] for end in ends)}
