"""The results of a proof: one entry a seed, the `Then` sentences that went red, and two percentages; as JSON.

The file's form (`proof.json`):

    {"at", "tree", "complete", "scope": [family], "percent_caught", "percent_thens", "interrupted",
     "seeds": {name: {"family", "families", "role", "headline", "verdict", "caught", "reds": [{"scenario", "step",
         "step_type", "pattern", "message", "run"}], "scenarios": {name: [mark of each run]}, "why", "seconds", "at",
         "tree", "digest", "stale"}},
     "thens": {pattern: {"families": [family], "red_by": [seed]}},
     "skipped": {scenario: reason}}

`tree` is a hash of the code that the results are about: of daemons, steps and features.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from beehave.proof.catalog import Seed
from beehave.proof.judgement import COUNTING, Mark, Run, Verdict, judge, red_in_all
from beehave.proof.sentences import Sentences

MESSAGE_LENGTH = 1000


@dataclass
class SeedResult:
    """The result of one seed."""

    family: str
    families: list[str]
    role: str
    headline: str
    verdict: str
    caught: bool
    seconds: float
    at: str
    tree: str
    digest: str
    why: str = ""
    """Why it is uncaught: what was seen in place of a failing step."""
    reds: list[dict[str, Any]] = field(default_factory=list)
    scenarios: dict[str, list[str]] = field(default_factory=dict)
    stale: bool = False
    """Whether the code or the seed has changed since; a stale result does not count."""


@dataclass
class Proof:
    """The results of one run of `beehave prove`, or of several on the same code."""

    tree: str
    at: str
    seeds: dict[str, SeedResult] = field(default_factory=dict)
    thens: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    scope: list[str] = field(default_factory=list)
    """The families whose `Then` sentences count."""
    complete: bool = False
    """Whether every seed of the catalogue has a result."""
    interrupted: bool = False

    @property
    def uncaught(self) -> dict[str, SeedResult]:
        """The seeds that nothing caught."""
        return {name: result for name, result in self.seeds.items() if not result.caught}

    @property
    def never_red(self) -> dict[str, list[str]]:
        """The `Then` sentences that no seed has turned red, with their families."""
        return {pattern: then["families"] for pattern, then in self.thens.items() if not then["red_by"]}

    def thens_red(self, required: Collection[str]) -> bool:
        """Return whether every `Then` of these families has been red."""
        return not any(set(families) & set(required) for families in self.never_red.values())

    @property
    def percent_caught(self) -> float:
        """The share of seeds that were caught."""
        return percent(len(self.seeds) - len(self.uncaught), len(self.seeds))

    @property
    def percent_thens(self) -> float:
        """The share of `Then` sentences that have been red."""
        return percent(len(self.thens) - len(self.never_red), len(self.thens))

    def count_thens(self, sentences: Sentences, families: Collection[str]) -> None:
        """Determine which `Then` sentences of these families have been red."""
        self.scope = [family for family in sentences.families.names if family in families]
        known = {
            pattern: [family for family in sentences.families.names if family in used_by]
            for pattern, used_by in sentences.thens.items()
            if set(used_by) & set(families)
        }
        order = sorted(known.items(), key=lambda each: (each[1], each[0]))
        self.thens = {pattern: {"families": used_by, "red_by": []} for pattern, used_by in order}
        for name, result in self.seeds.items():
            for red in result.reds:
                then = self.thens.get(red["pattern"])
                if result.caught and red["step_type"] == "then" and then and name not in then["red_by"]:
                    then["red_by"].append(name)

    def as_json(self) -> str:
        """Return the file's text."""
        content = asdict(self) | {"percent_caught": self.percent_caught, "percent_thens": self.percent_thens}
        return json.dumps(content, indent=1)


def percent(part: int, whole: int) -> float:
    """Return a share in percent, rounded down to a tenth, so that 100 means all; 0 when there are none."""
    return int(1000 * part / whole) / 10 if whole else 0.0


def result_of(
    seed: Seed, first: Run | None, second: Run | None, sentences: Sentences, *, tree: str, once: bool = False
) -> SeedResult:
    """Judge a seed by its runs; `first` is None when it names no scenario."""
    verdict = Verdict.UNNAMED if first is None else judge(first, second, seed.caught_as, once=once)
    runs = [run for run in (first, second) if run is not None]
    result = SeedResult(
        seed.family,
        list(seed.families),
        seed.role,
        seed.headline,
        verdict,
        verdict is Verdict.CAUGHT,
        round(sum(run.seconds for run in runs), 1),
        now(),
        tree,
        seed.digest,
    )
    for run in runs:
        for name, ending in run.endings.items():
            result.scenarios.setdefault(name, []).append(ending.mark)
    if first is None:
        result.why = "it names no scenario"
    elif result.caught:
        # Only scenarios that were red in both runs count; after a single run (--fast), those of the first.
        steady = set(red_in_all(first, second, seed.caught_as)) or set(first.endings)
        result.reds = _reds(runs, steady, seed.caught_as, sentences)
    else:
        result.why = _why(runs)
    return result


def _reds(runs: Sequence[Run], steady: set[str], caught_as: str, sentences: Sentences) -> list[dict[str, Any]]:
    return [
        {
            "scenario": ending.scenario,
            "step": ending.step,
            "step_type": ending.step_type,
            "pattern": sentences.pattern(ending.step_type, ending.sentence),
            "message": ending.message[:MESSAGE_LENGTH],
            "run": number,
        }
        for number, run in enumerate(runs, start=1)
        for ending in run.marked(COUNTING[caught_as])
        if ending.scenario in steady
    ]


def _why(runs: Sequence[Run]) -> str:
    lines = []
    for number, run in enumerate(runs, start=1):
        if run.complaint:
            lines.append(f"run {number}: behave said: {run.complaint}")
        for ending in run.marked(set(Mark) - {Mark.GREEN}):
            at = f" at `{ending.step}`" if ending.step else ""
            lines.append(f"run {number}: {ending.mark}: {ending.scenario}{at}: {ending.message}"[:MESSAGE_LENGTH])
    return "\n".join(lines)


def merged(old: Mapping[str, Any], new: Proof, catalog: Sequence[Seed], sentences: Sentences) -> Proof:
    """Merge new results into those of an earlier file; results about other code become stale.

    A seed that no longer exists is dropped; one that was never run is stale from the beginning.
    """
    whole = Proof(new.tree, new.at, skipped=dict(old.get("skipped", {})) | new.skipped, interrupted=new.interrupted)
    for seed in catalog:
        if seed.name in new.seeds:
            whole.seeds[seed.name] = new.seeds[seed.name]
            continue
        known = old.get("seeds", {}).get(seed.name)
        result = SeedResult(**known) if known else _never_run(seed)
        result.stale = not known or (result.tree, result.digest) != (new.tree, seed.digest)
        # A stale result is not `caught` either, for readers that ignore `stale`.
        result.caught = result.verdict == Verdict.CAUGHT and not result.stale
        whole.seeds[seed.name] = result
    whole.complete = not any(result.stale for result in whole.seeds.values())
    whole.count_thens(sentences, sentences.families.names)
    return whole


def _never_run(seed: Seed) -> SeedResult:
    return SeedResult(
        seed.family,
        list(seed.families),
        seed.role,
        seed.headline,
        Verdict.NEVER_RUN,
        caught=False,
        seconds=0.0,
        at="",
        tree="",
        digest="",
    )


def tree_of(folder: Path, judged: Sequence[str]) -> str:
    """Return a hash of the code and features of these folders, on which a verdict depends."""
    digest = hashlib.sha256()
    for name in judged:
        for path in sorted((folder / name).rglob("*")):
            if path.suffix in {".py", ".feature"}:
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def now() -> str:
    """Return the current time in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
