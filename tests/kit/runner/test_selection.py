"""Mistakes that are found before anything runs."""

from __future__ import annotations

import pytest
from behave.configuration import Configuration
from behave.parser import parse_feature
from behave.step_registry import StepRegistry

from beehave.runner import selection

FEATURE = """
Feature: F
  Scenario: one
    Given 3 bees
    When they fly

  @slow
  Scenario: empty

  Scenario Outline: rows
    Given <count> bees
    Examples:
      | count |
      | 4     |
      | some  |

  @needs.kernel_netwrok
  Scenario: needy
    Given 3 bees
"""


@pytest.fixture
def registry():
    registry = StepRegistry()

    def bees(context, count): ...

    def fly(context): ...

    registry.add_step_definition("given", "{count:d} bees", bees)
    registry.add_step_definition("when", "they fly", fly)
    return registry


@pytest.fixture
def feature():
    return parse_feature(FEATURE, filename="f.feature")


def configuration(*arguments):
    return Configuration([*arguments], load_config=False, tag_expression_protocol="v2")


def names(scenarios):
    return [scenario.name.partition(" --")[0] for scenario in scenarios]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["one", "empty", "rows", "rows", "needy"]),
        (["--tags=@slow"], ["empty"]),
        (["--tags=not @slow", "-n", "rows"], ["rows", "rows"]),
        (["--tags=@typo"], []),
    ],
)
def test_what_is_selected(feature, arguments, expected):
    assert names(selection.selected([feature], configuration(*arguments))) == expected


def test_what_is_wrong_is_told_once_each(feature, registry):
    problems = selection.problems(selection.selected([feature], configuration()), registry)
    assert len(problems) == 2
    assert problems[0].startswith("f.feature:8: the scenario 'empty' has no steps")
    assert "Did you mean kernel_network?" in problems[1]


def test_an_ambiguous_step_names_both_definitions(feature, registry):
    def anything(context, what): ...

    registry.add_step_definition("step", "{what} bees", anything)
    problems = selection.problems(selection.selected([feature], configuration("-n", "one")), registry)
    assert len(problems) == 1
    assert "f.feature:4: the step `Given 3 bees` is ambiguous, 2 definitions match it" in problems[0]
    assert "@given('{count:d} bees')" in problems[0]
    assert "@step('{what} bees')" in problems[0]
