"""Checks of the selected scenarios before the run, for mistakes that behave itself does not report.

behave runs the first definition that matches a sentence, passes a scenario without steps, and treats an empty
selection as a success.
"""

from __future__ import annotations

from typing import Any

from behave.configuration import Configuration
from behave.model import Feature, Scenario, Step

from beehave.machine.capabilities import unknown_needs


def selected(features: list[Feature], config: Configuration) -> list[Scenario]:
    """Return the scenarios selected by tags and names on the command line, rows of outlines one by one."""
    return [
        scenario
        for feature in features
        for scenario in feature.walk_scenarios()
        if feature.should_run(config) and scenario.should_run(config)
    ]


def problems(scenarios: list[Scenario], registry: Any) -> list[str]:
    """Return a sentence for each problem of these scenarios, each problem once."""
    found = [
        f"{scenario.location}: the scenario {scenario.name!r} has no steps, so it proves nothing. Write its steps, "
        "or remove it"
        for scenario in scenarios
        if not list(scenario.all_steps)
    ]
    for scenario in scenarios:
        found += [f"{scenario.location}: {sentence}" for sentence in unknown_needs(scenario.effective_tags)]
        for step in scenario.all_steps:
            found += _ambiguities(step, registry)
    return list(dict.fromkeys(found))


def describe_empty(features: list[Feature], config: Configuration) -> str:
    """Return why nothing was selected: which scenarios there are, and which were requested."""
    scenarios = [scenario for feature in features for scenario in feature.walk_scenarios()]
    asked = [f"the tags {config.tag_expression}"] if str(config.tag_expression) else []
    asked += [f"the name {name!r}" for name in config.name or []]
    return (
        f"nothing to run: none of the {len(scenarios)} scenarios in {len(features)} features "
        f"({' '.join(map(str, config.paths))}) has {' and '.join(asked) or 'been selected'}"
    )


def _ambiguities(step: Step, registry: Any) -> list[str]:
    candidates = [*registry.steps[step.step_type], *registry.steps["step"]]
    matching = [definition for definition in candidates if definition.match(step.name)]
    if len(matching) < 2:
        return []
    which = "".join(f"\n    {d.location}: @{d.step_type}({d.pattern!r})" for d in matching)
    problem = (
        f"{step.location}: the step `{step.keyword} {step.name}` is ambiguous, {len(matching)} definitions match it "
        f"and only the first would ever run:{which}\n  Make their sentences differ, or their parameters' types stricter"
    )
    return [problem]
