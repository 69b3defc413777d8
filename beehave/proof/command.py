"""The command `beehave prove`: its options, its files and its exit status.

0: every selected seed is caught. 1: one is not. 130: it was interrupted; the results so far are kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from beehave.proof.campaign import Campaign, ended_by_signals
from beehave.proof.catalog import CatalogError, Seed, check_scenarios, choose, read_catalog
from beehave.proof.child import Children, StoppedError
from beehave.proof.judgement import Mark
from beehave.proof.output import console, print_clean_run, print_proof, print_seed, write_html
from beehave.proof.results import Proof, merged, now, tree_of
from beehave.proof.sentences import Sentences, read_sentences
from beehave.session import REPORTS
from beehave.settings import load_settings

PROOF_FOLDER = Path(REPORTS) / "proof"
LAST = "last"
PROVEN, NOT_PROVEN, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class ProofOptions:
    """The options of the command."""

    seeds: Sequence[str] = ()
    family: str | None = None
    jobs: int = 1
    every_scenario: bool = False
    fast: bool = False
    no_sandbox: bool = False
    json_file: Path | None = None

    @property
    def everything(self) -> bool:
        """Whether all seeds are selected."""
        return not self.seeds and self.family is None and not self.fast

    @property
    def run_options(self) -> dict[str, str]:
        """The `-D` options of every run of behave."""
        return {"sandbox": "off"} if self.no_sandbox else {}


def prove(folder: Path, options: ProofOptions) -> int:
    """Prove the scenarios of the project in `folder`, and return the exit status.

    Raises:
        HarnessError: the project has no seeds, or a seed or a family is unknown.
    """
    out = console()
    settings = load_settings(folder, {}).proof
    catalog_command = settings.command("catalog", "prints the seeded bugs as JSON (docs/proving.md)")
    settings.command("launcher", "becomes a daemon with the bug `{seed}` in it (docs/proving.md)")
    try:
        sentences = read_sentences(folder)
        catalog = read_catalog(folder, catalog_command, sentences.families)
        chosen = choose(catalog, options.seeds, sentences.families, family=options.family, fast=options.fast)
        check_scenarios(chosen, sentences.scenarios)
    except CatalogError as error:
        out.print(escape(str(error)), soft_wrap=True)
        return NOT_PROVEN
    place = new_folder(folder)
    proof = Proof(tree_of(folder, settings.judged), now())
    children = Children(folder, options=options.run_options | with_durations(settings.seeded_durations))
    campaign = Campaign(
        children,
        sentences,
        place,
        proof.tree,
        settings,
        jobs=options.jobs,
        once=options.fast,
        every_scenario=options.every_scenario,
    )
    try:
        with ended_by_signals(children):
            if not _clean(out, campaign, chosen, proof):
                return NOT_PROVEN
            _seeds(out, campaign, chosen, proof)
    except (KeyboardInterrupt, StoppedError):
        proof.interrupted = True
    # The runs end in any order; the report has the catalogue's.
    proof.seeds = {seed.name: proof.seeds[seed.name] for seed in chosen if seed.name in proof.seeds}
    _finish(out, proof, place, options, catalog=catalog, sentences=sentences)
    if proof.interrupted:
        missing = len(chosen) - len(proof.seeds)
        out.print(f"interrupted: {missing} of {len(chosen)} seeds were not judged; the others are kept")
        return INTERRUPTED
    # A part of the seeds cannot reach every Then, so only a whole proof must have turned all of them red.
    proven = not proof.uncaught and (not options.everything or proof.thens_red(settings.required))
    return PROVEN if proven else NOT_PROVEN


def with_durations(durations: Mapping[str, int]) -> dict[str, str]:
    """Return the `-D` options for shorter durations: on a wrong product most waits are in vain."""
    return {f"durations.{key}": str(value) for key, value in durations.items()}


def new_folder(folder: Path) -> Path:
    """Make the folder of a proof, named by its time."""
    place = folder / PROOF_FOLDER / f"{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}"
    place.mkdir(parents=True)
    return place


def _clean(out: Console, campaign: Campaign, chosen: Sequence[Seed], proof: Proof) -> bool:
    """Run everything on the correct product; a scenario that is red there proves nothing."""
    red = []
    for run in campaign.clean_runs(name for seed in chosen for name in campaign.scenarios_of(seed)):
        print_clean_run(out, run)
        if run.complaint:
            out.print(escape(run.complaint), soft_wrap=True)
        proof.skipped |= {ending.scenario: ending.message for ending in run.marked({Mark.SKIPPED})}
        red += run.marked(set(Mark) - {Mark.GREEN, Mark.SKIPPED})
    for ending in red:
        out.print(f"not green without a seed: {escape(ending.scenario)}: {ending.mark}", style="red", soft_wrap=True)
        out.print(escape(f"    {ending.step}\n    {ending.message}"), soft_wrap=True)
    if red:
        out.print(f"nothing was proven: {len(red)} scenarios are not green on the sound product")
        return False
    for path in campaign.folder.glob("clean-*"):
        shutil.rmtree(path)
    return True


def _seeds(out: Console, campaign: Campaign, chosen: Sequence[Seed], proof: Proof) -> None:
    for number, (seed, result) in enumerate(campaign.prove(chosen, proof.skipped), start=1):
        proof.seeds[seed.name] = result
        print_seed(out, seed.name, result, place=f"{number:3}/{len(chosen)}")


def _finish(
    out: Console, proof: Proof, place: Path, options: ProofOptions, *, catalog: Sequence[Seed], sentences: Sentences
) -> None:
    """Count, print and write the proof, and merge it into what is known of all seeds."""
    proof.complete = len(proof.seeds) == len(catalog)
    met = {family for result in proof.seeds.values() for family in result.families}
    if not options.fast:  # one seed a family reaches few Then sentences: a list of the others would say nothing
        proof.count_thens(sentences, sentences.families.names if options.everything else met)
    print_proof(out, proof)
    write(proof, place / "proof.json")
    if options.json_file is not None:
        options.json_file.write_text(proof.as_json(), encoding="utf-8")
    last = place.parent / f"{LAST}.json"
    if not options.fast:  # last.json holds only verdicts of two runs
        write(merged(_read(last), proof, catalog, sentences), last)
    shown = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
    out.print(f"proof: {escape(str(shown / 'proof.html'))}", soft_wrap=True)


def write(proof: Proof, path: Path) -> None:
    """Write a proof as JSON, whole or not at all, and its page beside it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(proof.as_json(), encoding="utf-8")
    fresh.replace(path)
    write_html(proof, path.with_suffix(".html"))


def _read(path: Path) -> Mapping[str, object]:
    if not path.exists():
        return {}
    known: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return known
