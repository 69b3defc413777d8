"""Scenarios on daemons that do nothing (`beehave prove --null` and `--silent`), where a green scenario is worthless.

Features about the harness itself are left out: they observe runs of behave, and no daemon.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.markup import escape

from beehave.errors import HarnessError
from beehave.proof.campaign import ended_by_signals, in_parallel
from beehave.proof.child import Children, ScenarioSelection, StoppedError
from beehave.proof.command import INTERRUPTED, NOT_PROVEN, PROVEN, ProofOptions, new_folder, with_durations
from beehave.proof.judgement import Ending, Mark, Run
from beehave.proof.output import console
from beehave.proof.sentences import read_sentences
from beehave.settings import Settings, load_settings

CHUNK = 5
"""Scenarios in one run: waiting needs no CPU, so many short runs in parallel (`-j 6`) finish sooner than few."""
EVERY_STEP_PASSED = frozenset({Mark.GREEN, Mark.AT_END})
"""On a frozen product every scenario fails at its end, since daemons do not react; that is no merit of its steps."""


@dataclass(frozen=True)
class StandIn:
    """A fake product in place of the real one."""

    name: str
    text: str

    def options(self, settings: Settings) -> dict[str, str]:
        """Return the `-D` options that replace all daemons by it.

        Raises:
            HarnessError: the project's settings have no command for it.
        """
        command = settings.proof.command(self.name, f"becomes a daemon which {self.text}")
        return {
            f"daemon.{role}": shlex.join(word.replace("{role}", role) for word in command) for role in settings.daemons
        }


NULL = StandIn("null", "answers 200 {} to everything but /health")
SILENT = StandIn("silent", "is the real one, frozen when it is ready, or where it would end sooner")


def run_stand_in(folder: Path, stand_in: StandIn, options: ProofOptions) -> int:
    """Run the scenarios against a stand-in; return 0 when none passes, 1 when one does, 130 when interrupted.

    Raises:
        HarnessError: there is nothing to run.
    """
    out = console()
    sentences = read_sentences(folder)
    sentences.families.check(options.family)
    settings = load_settings(folder, {})
    stand_in_options = stand_in.options(settings) | with_durations(settings.proof.stand_in_durations)
    own = set(sentences.of_family(settings.proof.own)) if settings.proof.own else set()
    names = [name for name in sentences.of_family(options.family) if name not in own]
    if not names:
        raise HarnessError("no scenario is selected: those about the harness itself meet no daemon")
    place = new_folder(folder)
    children = Children(folder, options=options.run_options | stand_in_options)
    parts = list(enumerate(chunks(names), start=1))  # numbered here: the parts run and end in any order

    def run_part(part: tuple[int, list[str]]) -> tuple[str, Run]:
        number, chosen = part
        return chosen[0].partition("::")[0], children.run(ScenarioSelection(chosen), place / f"run-{number}")

    out.print(f"{stand_in.name}: every daemon {stand_in.text}; {len(names)} scenarios")
    endings: list[Ending] = []
    interrupted = False
    try:
        with ended_by_signals(children):
            for file, run in in_parallel(run_part, parts, options.jobs):
                endings += run.endings.values()
                line = f"{run.seconds:6.1f} s  {tally(list(run.endings.values()))}  {file}"
                out.print(escape(line), soft_wrap=True)
                if run.complaint:
                    out.print(escape(run.complaint), soft_wrap=True)
    except (KeyboardInterrupt, StoppedError):
        interrupted = True  # what has ended so far is still counted and written
    green = sorted(ending.scenario for ending in endings if ending.mark in EVERY_STEP_PASSED)
    unfinished = sorted(ending.scenario for ending in endings if ending.mark is Mark.UNFINISHED)
    for name in green:
        out.print(f"every step passes on a {stand_in.name} product: {escape(name)}", style="red", soft_wrap=True)
    for name in unfinished:
        out.print(f"not run to its end: {escape(name)}", style="red", soft_wrap=True)
    out.print(escape(f"{stand_in.name}: {tally(endings)}"), soft_wrap=True)
    summary = {
        ending.scenario: {"mark": ending.mark, "step": ending.step, "message": ending.message} for ending in endings
    }
    (place / f"{stand_in.name}.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    if interrupted:
        return INTERRUPTED
    return NOT_PROVEN if green or unfinished else PROVEN


def chunks(names: Sequence[str]) -> list[list[str]]:
    """Return the scenarios in parts of one feature each."""
    by_file: dict[str, list[str]] = {}
    for name in names:
        by_file.setdefault(name.partition("::")[0], []).append(name)
    return [each[at : at + CHUNK] for each in by_file.values() for at in range(0, len(each), CHUNK)]


def tally(endings: Sequence[Ending]) -> str:
    """Return as text how many are green, how many were skipped, and at which kind of step the others failed.

    `start or end` is a hook, before the first step or after the last.
    """
    green, skipped = (sum(ending.mark is mark for ending in endings) for mark in (Mark.GREEN, Mark.SKIPPED))
    failed = Counter(
        ending.step_type or "start or end" for ending in endings if ending.mark not in {Mark.GREEN, Mark.SKIPPED}
    )
    at = ", ".join(f"{count} at a {kind}" for kind, count in sorted(failed.items())) or "none"
    return f"{green} green, {skipped} skipped, {failed.total()} failed ({at})"
