"""Output formats of progress."""

from __future__ import annotations

import io
import json
import textwrap

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from beehave.progress.measure import ALL, Counts, Progress
from beehave.progress.results import PROVE

WIDTH = 120
"""Columns of the table and of long lists, also where the output is not a terminal."""


def as_json(progress: Progress, problems: list[str]) -> str:
    """Return the progress as JSON, with inconsistencies under `problems`."""
    return json.dumps({**progress.model_dump(mode="json"), "problems": problems}, indent=2)


def as_text(progress: Progress, problems: list[str]) -> str:
    """Return the table of families, the sources of its numbers, what is missing, and the problems."""
    lines = [_table(progress)]
    lines.append(f"run: {progress.run}" if progress.run else "run: none yet: `beehave run`")
    lines.append(f"proof: {progress.proof or f'not proven yet: run {PROVE}'}")
    lines += [
        f"{each.status}: {key}" + (each.reason and f": {each.reason}")
        for key, each in progress.scenarios.items()
        if progress.run and each.status not in {"passed", "not run"}
    ]
    if missing := [key for key, each in progress.behaviours.items() if not each.scenarios]:
        lines += textwrap.wrap(f"no scenario yet: {', '.join(missing)}", WIDTH, subsequent_indent="  ")
    lines += [f"error: {problem}" for problem in problems]
    return "\n".join(lines)


def _table(progress: Progress) -> str:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("family", no_wrap=True)
    for heading in ("behaviours", "shown", "scenarios", "steps", "run", "passed", "skipped", "proven"):
        table.add_column(heading, justify="right", no_wrap=True)
    for family, counts in progress.families.items():
        if family == ALL:
            table.add_section()
        table.add_row(f"{family} {counts.title}".rstrip(), *_cells(counts, proof=progress.proof is not None))
    out = io.StringIO()
    Console(file=out, width=WIDTH).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().strip("\n").splitlines())


def _cells(counts: Counts, *, proof: bool) -> list[str]:
    numbers = (
        counts.behaviours,
        counts.shown,
        counts.scenarios,
        counts.steps,
        counts.run,
        counts.passed,
        counts.skipped,
    )
    return [*map(str, numbers), str(counts.proven) if proof else "?"]
