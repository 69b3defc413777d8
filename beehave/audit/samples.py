"""Sentences filled with sample values, which show that two definitions overlap before a feature does."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from behave.matchers import MatchWithError

from beehave.audit.project import Definition, Project

_FIELD = re.compile(r"\{(?P<name>\w*)(?::(?P<type>[^{}]*))?\}")
"""A parameter in behave's default (`parse`) notation."""

_FIRST_SAMPLES: dict[str, list[str]] = {
    "": ["word", "two words"],
    "d": ["7"],
    "f": ["1.5"],
    "g": ["1.5"],
    "w": ["word"],
    "S": ["word"],
}
"""Sample values of the types built into `parse`; for all others they are taken from lines of features."""

_MOST_PER_TYPE = 12
"""Most values of one type: more show nothing new, and all combinations are tried against each definition."""


def harvest(project: Project) -> dict[str, list[str]]:
    """Return sample texts for each parameter type: from the features, and some of every built-in type."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for name, texts in _FIRST_SAMPLES.items():
        found[name] = dict.fromkeys(texts)
    for step_type, line in {(step.step_type, step.name) for each in project.scenarios() for step in each.all_steps}:
        for definition in project.definitions_of(step_type, line):
            types = {field["name"]: field["type"] or "" for field in _FIELD.finditer(definition.pattern)}
            for argument in getattr(definition.match(line), "arguments", None) or []:
                if argument.name in types:
                    found[types[argument.name]][argument.original] = None
    return {
        name: sorted(texts)[:_MOST_PER_TYPE] if name not in _FIRST_SAMPLES else list(texts)[:_MOST_PER_TYPE]
        for name, texts in found.items()
    }


def filled(definition: Definition, samples: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield lines that this definition matches, the pattern's parameters replaced by samples.

    As many as its most varied parameter has samples; none when nothing is known of a parameter's type.
    """
    types = [field["type"] or "" for field in _FIELD.finditer(definition.pattern)]
    known = [samples.get(each, []) for each in types]
    for turn in range(max((len(texts) for texts in known), default=1)):
        if not all(known):
            return
        values = itertools.chain(texts[turn % len(texts)] for texts in known)
        line = _FIELD.sub(lambda _, values=values: next(values), definition.pattern)  # type: ignore[misc]
        if takes(definition, line):
            yield line


def takes(definition: Definition, line: str) -> bool:
    """Return whether a line matches and its parameters can be converted; behave's `matches` takes the pattern too."""
    match = definition.match(line)
    return match is not None and not isinstance(match, MatchWithError)
