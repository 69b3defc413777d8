"""The subject of a proof: the project's scenarios with their families, and the definitions of their `Then` steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from beehave.audit.project import load_project, scenario_id
from beehave.families import Families, read_families

NIGHTLY = "nightly"


@dataclass
class Sentences:
    """The scenarios of a project, and the patterns of its steps."""

    families: Families = field(default_factory=lambda: Families({}))
    scenarios: dict[str, frozenset[str]] = field(default_factory=dict)
    """Each scenario's tags, by `features/x.feature::its name`; rows of an outline that share a name are one."""
    thens: dict[str, list[str]] = field(default_factory=dict)
    """The families of the features that use a `Then`, by the pattern of its definition."""
    patterns: dict[tuple[str, str], str] = field(default_factory=dict)
    """The pattern of the definition of each step, by type and sentence."""

    def pattern(self, step_type: str, sentence: str) -> str:
        """Return the pattern of a step's definition; the sentence itself for one that is not defined."""
        return self.patterns.get((step_type, sentence), sentence)

    def nightly(self, scenario: str) -> bool:
        """Return whether a scenario runs only at night."""
        return NIGHTLY in self.scenarios[scenario]

    def of_family(self, family: str | None) -> list[str]:
        """Return the scenarios that are not nightly, of one family or, for None, of all."""
        return [
            name
            for name in self.scenarios
            if not self.nightly(name) and family in {None, self.families.of(name.partition("::")[0])}
        ]


def read_sentences(folder: Path) -> Sentences:
    """Return the scenarios and sentences of the project in `folder`.

    Raises:
        HarnessError: behave cannot load the project.
    """
    project = load_project(folder)
    sentences = Sentences(read_families(folder))
    for scenario in project.scenarios():
        file = Path(scenario.location.filename).as_posix()
        name = scenario_id(file, scenario.name)
        tags = frozenset(map(str, scenario.effective_tags))
        # Of rows that share a name, those of every night's run decide: the others are run with them, or not at all.
        sentences.scenarios[name] = sentences.scenarios.get(name, tags) & tags
        for step in scenario.all_steps:
            definitions = project.definitions_of(step.step_type, step.name)
            if not definitions:
                continue
            pattern = definitions[0].pattern
            sentences.patterns[step.step_type, step.name] = pattern
            if step.step_type == "then":
                families = sentences.thens.setdefault(pattern, [])
                if (family := sentences.families.of(file)) and family not in families:
                    families.append(family)
    return sentences
