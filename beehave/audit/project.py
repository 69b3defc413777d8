"""A project's step definitions and features as behave itself loads them, without running any of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behave.configuration import Configuration
from behave.exception import ConfigError, InvalidFileLocationError, InvalidFilenameError
from behave.matchers import Match, make_step_matcher
from behave.model import Feature, Scenario
from behave.parser import ParserError
from behave.runner import Runner
from behave.runner import the_step_registry as step_definitions  # not step_registry.registry: behave resets that one
from behave.runner_util import parse_features

from beehave.errors import HarnessError

CANNOT_LOAD = (
    ConfigError,
    InvalidFileLocationError,
    InvalidFilenameError,
    FileNotFoundError,
    ImportError,
    SyntaxError,
    ParserError,
)
"""Exceptions of behave for missing paths, and for modules and features that cannot be read."""

_ROW = re.compile(r" -- @\d+\.\d+.*$")
"""The suffix that behave adds to the name of a scenario from a row of an outline."""


@dataclass(frozen=True)
class Definition:
    """One sentence of a step module; a function with two sentences is two definitions."""

    step_type: str
    """`given`, `when`, `then`, or `step`, which stands for all three."""
    pattern: str
    file: str
    """Relative to the project's folder."""
    line: int
    matcher: Any
    """behave's own; None when the pattern is broken."""
    broken: str = ""
    """Why behave cannot use the pattern, or empty; a broken definition matches no line."""

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"

    def serves(self, step_type: str) -> bool:
        """Return whether behave tries this definition for lines of that type."""
        return not self.broken and self.step_type in {step_type, "step"}

    def match(self, line: str) -> Any:
        """Return behave's match of a concrete line, or None."""
        return self.matcher.match(line)


@dataclass(frozen=True)
class Project:
    """The features and step definitions that a run of behave in one folder would load."""

    definitions: list[Definition]
    """In the order in which behave would try them."""
    features: list[Feature]

    def scenarios(self) -> Iterator[Scenario]:
        """Yield every scenario, rows of outlines one by one."""
        for feature in self.features:
            yield from feature.walk_scenarios()

    def definitions_of(self, step_type: str, line: str) -> list[Definition]:
        """Return every definition that matches a line; a run takes the first."""
        return [each for each in self.definitions if each.serves(step_type) and each.match(line)]


def plain_name(scenario: str) -> str:
    """Return a scenario's name without behave's suffix for a row, which changes when a row is added."""
    return _ROW.sub("", scenario).strip()


def scenario_id(file: str, name: str) -> str:
    """Return the id of a scenario in manifests, baselines and proofs: `features/x.feature::its name`."""
    return f"{Path(file).as_posix()}::{plain_name(name)}"


def load_project(folder: Path) -> Project:
    """Load hooks, steps and features of the project in `folder` as the runner does, and collect every definition.

    behave stops at the first definition that collides with another one; here all are collected and compared later.

    Raises:
        HarnessError: there is no project, a step module cannot be imported, or a feature cannot be parsed.
    """
    with contextlib.chdir(folder):  # behave looks for its configuration there, and names files relative to it
        try:
            runner = Runner(Configuration(command_args=[]))
            with runner.path_manager, _collected() as definitions:
                runner.setup_paths()
                runner.load_hooks()
                runner.load_step_definitions()
                places = [place for place in runner.feature_locations() if not runner.config.exclude(place)]
                features = parse_features(places, language=runner.config.lang)
        except CANNOT_LOAD as error:
            raise HarnessError(f"behave cannot load the project in {folder}: {error}") from error
        return Project(definitions, features)


@contextlib.contextmanager
def _collected() -> Iterator[list[Definition]]:
    """Make behave's decorators add their definitions to a list, without changing its registry."""
    collected: list[Definition] = []

    def add(keyword: str, pattern: str, function: Callable[..., Any]) -> None:
        place = Match.make_location(function)
        matcher, broken = _matcher(keyword.lower(), pattern, function)
        definition = Definition(keyword.lower(), pattern, Path(place.filename).as_posix(), place.line, matcher, broken)
        if not any(_same(definition, known) for known in collected):  # a step module may import another one
            collected.append(definition)

    step_definitions.add_step_definition = add
    try:
        yield collected
    finally:
        del step_definitions.add_step_definition  # the class's own is there again


def _same(one: Definition, other: Definition) -> bool:
    return (one.step_type, one.pattern, one.where) == (other.step_type, other.pattern, other.where)


def _matcher(step_type: str, pattern: str, function: Callable[..., Any]) -> tuple[Any, str]:
    """Return behave's matcher, and why it cannot be used, or an empty text."""
    try:
        return make_step_matcher(function, pattern, step_type).compile(), ""
    except (ValueError, NotImplementedError, re.error) as error:  # an unknown type, or no regular expression
        return None, f"{type(error).__name__}: {error}"
