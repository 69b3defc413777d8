"""Checks of `beehave duplicates`: lines with two definitions or none, and scenarios without When or Then.

Every line of every feature, outlines expanded, is matched against every definition by behave's own matchers: a run
takes the first that matches and does not report the rest.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from behave.model import Scenario, Step

from beehave.audit.findings import Finding
from beehave.audit.project import Definition, Project, load_project, plain_name
from beehave.audit.samples import filled, harvest, takes


def duplicates(folder: Path) -> list[Finding]:
    """Return the findings about features and step definitions of the project in `folder`.

    Raises:
        HarnessError: the project cannot be loaded.
    """
    project = load_project(folder)
    found = [*_lines(project), *_definitions(project), *_scenarios(project)]
    return sorted(set(found))


def _lines(project: Project) -> Iterator[Finding]:
    for scenario in project.scenarios():
        for step in scenario.all_steps:
            matching = project.definitions_of(step.step_type, step.name)
            if not matching:
                yield _at_step(
                    step,
                    "undefined-line",
                    f"no {step.step_type} definition matches it.",
                    "Write one in steps/, or use the words of one that is there.",
                )
            elif len(matching) > 1:
                yield _at_step(
                    step,
                    "ambiguous-line",
                    f"{len(matching)} definitions match it, and only the first ever runs: {_list(matching)}.",
                    "Make their sentences differ, or their parameters' types stricter.",
                )


def _definitions(project: Project) -> Iterator[Finding]:
    used = {
        id(definition)
        for scenario in project.scenarios()
        for step in scenario.all_steps
        for definition in project.definitions_of(step.step_type, step.name)
    }
    for definition in project.definitions:
        if definition.broken:
            yield _at_definition(
                definition,
                "broken-pattern",
                f"behave cannot use it: {definition.broken}.",
                "Correct the pattern, or register the type that it names.",
            )
        elif id(definition) not in used:
            yield _at_definition(
                definition,
                "unused-definition",
                "no line of any feature matches it.",
                "Delete it, with what only it used, or write the scenario that needs it.",
            )
    yield from _overlaps(project)


def _overlaps(project: Project) -> Iterator[Finding]:
    samples = harvest(project)
    sound = [definition for definition in project.definitions if not definition.broken]
    lines = {id(definition): list(filled(definition, samples)) for definition in sound}
    # Each pair once, in behave's order; the strongest finding first, since it implies the weaker ones.
    for earlier, later in itertools.combinations(sound, 2):
        if not _asked_together(earlier, later):
            continue
        if earlier.pattern == later.pattern:
            yield _at_definition(
                later,
                "equal-patterns",
                f"the same sentence is defined at {earlier.where}.",
                "Keep one of the two.",
            )
        elif earlier.step_type == later.step_type and earlier.matcher.matches(later.pattern):
            yield _at_definition(
                later,
                "ambiguous-definition",
                f"{_list([earlier])} matches the pattern itself, so behave refuses to load the steps at all.",
                "Make their sentences differ, or their parameters' types stricter.",
            )
        elif line := _common(earlier, later, lines[id(earlier)], lines[id(later)]):
            yield _at_definition(
                later,
                "shadowed-definition",
                f"{_list([earlier])} is asked first and takes what both match, `{line}` for example.",
                "Make their sentences differ, or their parameters' types stricter.",
            )


def _common(one: Definition, other: Definition, of_one: list[str], of_other: list[str]) -> str | None:
    """Return a line that both match, when their samples have one."""
    return next(
        itertools.chain(
            (line for line in of_other if takes(one, line)),
            (line for line in of_one if takes(other, line)),
        ),
        None,
    )


def _asked_together(one: Definition, other: Definition) -> bool:
    return one.step_type == other.step_type or "step" in {one.step_type, other.step_type}


def _scenarios(project: Project) -> Iterator[Finding]:
    named: dict[str, list[Scenario]] = defaultdict(list)
    for scenario in project.scenarios():
        named[plain_name(scenario.name)].append(scenario)
        own = {
            step.step_type for step in scenario.steps
        }  # a background's When acts for all scenarios, so it is the action of none
        for missing in ("when", "then"):
            if missing not in own:
                yield _at_scenario(
                    scenario,
                    f"scenario-without-{missing}",
                    f"it has no {missing.title()} of its own, so it "
                    + ("does nothing." if missing == "when" else "asserts nothing."),
                    f"Say in a {missing.title()} what " + ("is done." if missing == "when" else "must hold."),
                )
    for same in named.values():
        for scenario in same[1:]:
            yield _at_scenario(
                scenario,
                "equal-scenario-names",
                f"another scenario has this name, at {same[0].location}: reports cannot tell them apart.",
                "Name what is different between the two; in an outline, put a parameter that differs into the name.",
            )


def _at_step(step: Step, rule: str, why: str, advice: str) -> Finding:
    place = step.location
    return Finding(Path(place.filename).as_posix(), place.line, rule, f"{step.keyword} {step.name}", why, advice)


def _at_definition(definition: Definition, rule: str, why: str, advice: str) -> Finding:
    subject = f"@{definition.step_type}({definition.pattern!r})"
    return Finding(definition.file, definition.line, rule, subject, why, advice)


def _at_scenario(scenario: Scenario, rule: str, why: str, advice: str) -> Finding:
    place = scenario.location
    return Finding(Path(place.filename).as_posix(), place.line, rule, plain_name(scenario.name), why, advice)


def _list(definitions: list[Definition]) -> str:
    return ", ".join(f"@{each.step_type}({each.pattern!r}) at {each.where}" for each in definitions)
