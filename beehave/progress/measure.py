"""Measurement of progress: counts of behaviours, scenarios, passes and proofs, which no rewording of code can change.

The numbers come from feature files, a run's journal and the last proof. The bodies of steps are not counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from behave.model import ScenarioOutline
from pydantic import BaseModel, ValidationError

from beehave.audit.project import Project, load_project, scenario_id
from beehave.errors import HarnessError
from beehave.families import Families, read_families
from beehave.progress.behaviours import BEHAVIOURS_FILE, BehaviourList, read_behaviours
from beehave.progress.manifest import manifest_problems
from beehave.progress.results import NOT_RUN, proof_results, run_results

NO_FAMILY = "-"
"""The family of a feature that belongs to none."""

ALL = "all"


class ScenarioState(BaseModel, frozen=True):
    """What is known of one scenario."""

    family: str
    status: str
    reason: str = ""
    ran: bool
    proven: bool


class BehaviourState(BaseModel, frozen=True):
    """One listed behaviour, and the scenarios that show it."""

    family: str
    text: str
    scenarios: list[str]


class Counts(BaseModel, frozen=True):
    """The numbers of one family, or of all."""

    title: str
    behaviours: int
    shown: int
    """Behaviours that have a scenario."""
    scenarios: int
    """Rows of outlines one by one."""
    steps: int
    """Step definitions that its scenarios use."""
    run: int
    passed: int
    skipped: int
    proven: int


class Progress(BaseModel, frozen=True):
    """The whole progress, as `--save` writes it and `--compare` reads it."""

    run: str | None
    """The run that the results are from, and its verdict."""
    proof: str | None
    """The proof that `proven` is from, and whether it is about the present code."""
    families: dict[str, Counts]
    behaviours: dict[str, BehaviourState]
    scenarios: dict[str, ScenarioState]


def measure(folder: Path, run: Path | None = None) -> tuple[Progress, list[str]]:
    """Return the progress of the project in `folder`, and a sentence for each inconsistency.

    `run` is the folder or journal of the run with the results, by default the last one.

    Raises:
        HarnessError: the project, the list of behaviours, the journal or the proof cannot be read.
    """
    project, listed, families = load_project(folder), read_behaviours(folder), read_families(folder)
    results, proof = run_results(folder, run), proof_results(folder)
    scenarios: dict[str, ScenarioState] = {}
    for scenario in project.scenarios():
        key = scenario_id(scenario.filename, scenario.name)
        result = results.of(key, scenario) if results else NOT_RUN
        scenarios[key] = ScenarioState(
            family=families.of(scenario.filename) or NO_FAMILY,
            status=result.status,
            reason=result.reason,
            ran=result.ran,
            proven=proof is not None and key in proof.proven,
        )
    # docs/behaviours.md names an outline once, while results are by row.
    titled = _titled(project)
    behaviours = {
        each.id: BehaviourState(
            family=each.family,
            text=each.text,
            scenarios=sorted({key for name in each.scenarios for key in titled.get(name, [])}),
        )
        for each in listed.behaviours
    }
    progress = Progress(
        run=results.summary if results else None,
        proof=proof.summary if proof else None,
        families=_count(project, known=families, listed=listed, behaviours=behaviours, scenarios=scenarios),
        behaviours=behaviours,
        scenarios=scenarios,
    )
    return progress, [
        *_unknown(listed, titled),
        *_unlisted(behaviours, scenarios),
        *manifest_problems(folder, scenarios),
    ]


def read_baseline(path: Path) -> Progress:
    """Return the progress that `--save` wrote.

    Raises:
        HarnessError: there is no such file, or it is not a baseline.
    """
    try:
        return Progress.model_validate_json(path.read_bytes())
    except OSError as error:
        raise HarnessError(f"no baseline at {path}: {error.strerror}; write one with --save") from error
    except ValidationError as error:
        raise HarnessError(f"{path} is not what `beehave progress --save` writes: {error}") from error


def regressions(baseline: Progress, now: Progress) -> list[str]:
    """Return a sentence for each item of the baseline that is lost; by name, so that gains do not hide losses."""
    worse: list[str] = []
    for key, behaviour in baseline.behaviours.items():
        if key not in now.behaviours:
            worse.append(f"{key}: this behaviour is not listed any more: {behaviour.text}")
        elif behaviour.scenarios and not now.behaviours[key].scenarios:
            worse.append(f"{key}: this behaviour has lost its scenarios: {', '.join(behaviour.scenarios)}")
    for key, before in baseline.scenarios.items():
        after = now.scenarios.get(key)
        if after is None:
            worse.append(f"{key}: this scenario has vanished")
            continue
        if before.status == "passed" and after.status != "passed":
            worse.append(
                f"{key}: it had passed, and now it is: {after.status}" + (after.reason and f" ({after.reason})")
            )
        if before.proven and not after.proven:
            worse.append(f"{key}: a seeded bug had turned it red, and now none does")
    return worse


def _titled(project: Project) -> dict[str, list[str]]:
    """Return the scenarios by their names in the feature files: those of an outline by the outline's name."""
    titled: dict[str, list[str]] = defaultdict(list)
    for feature in project.features:
        for item in feature.walk_scenarios(with_outlines=True):
            rows = item.scenarios if isinstance(item, ScenarioOutline) else [item]
            titled[item.name] += [scenario_id(row.filename, row.name) for row in rows]
    return dict(titled)


def _count(
    project: Project,
    *,
    known: Families,
    listed: BehaviourList,
    behaviours: dict[str, BehaviourState],
    scenarios: dict[str, ScenarioState],
) -> dict[str, Counts]:
    used: dict[str, set[str]] = defaultdict(set)
    for scenario in project.scenarios():
        family = known.of(scenario.filename) or NO_FAMILY
        for step in scenario.all_steps:
            used[family] |= {f"{d.where} {d.pattern}" for d in project.definitions_of(step.step_type, step.name)[:1]}
    titles = dict(listed.titles)
    if any(each.family not in titles for each in scenarios.values()):
        titles[NO_FAMILY] = "of no family"
    counts = {
        family: _counts(
            title,
            [each for each in behaviours.values() if each.family == family],
            [each for each in scenarios.values() if each.family == family],
            len(used[family]),
        )
        for family, title in titles.items()
    }
    counts[ALL] = _counts("", behaviours.values(), scenarios.values(), len(project.definitions))
    return counts


def _counts(title: str, behaviours: Iterable[BehaviourState], scenarios: Iterable[ScenarioState], steps: int) -> Counts:
    behaviours, scenarios = list(behaviours), list(scenarios)
    return Counts(
        title=title,
        behaviours=len(behaviours),
        shown=sum(bool(each.scenarios) for each in behaviours),
        scenarios=len(scenarios),
        steps=steps,
        run=sum(each.ran for each in scenarios),
        passed=sum(each.status == "passed" for each in scenarios),
        skipped=sum(each.status == "skipped" for each in scenarios),
        proven=sum(each.proven for each in scenarios),
    )


def _unknown(listed: BehaviourList, titled: dict[str, list[str]]) -> list[str]:
    return [
        f"{behaviour.id}: {BEHAVIOURS_FILE} names a scenario that no feature has: {name}"
        for behaviour in listed.behaviours
        for name in behaviour.scenarios
        if name not in titled
    ]


def _unlisted(behaviours: dict[str, BehaviourState], scenarios: dict[str, ScenarioState]) -> list[str]:
    shown = {key for each in behaviours.values() for key in each.scenarios}
    return [f"{key}: no behaviour of {BEHAVIOURS_FILE} names this scenario" for key in scenarios if key not in shown]
