"""`beehave duplicates`, on a project with every fault, on one with none, and on this one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from behave.matchers import ParseMatcher, RegexMatcher
from behave.runner import the_step_registry
from typer.testing import CliRunner

from beehave.audit.duplicates import duplicates
from beehave.audit.project import Definition, load_project, plain_name, scenario_id
from beehave.audit.samples import filled
from beehave.cli import app
from beehave.errors import HarnessError

HERE = Path(__file__).parents[3]
PROJECTS = HERE / "tests" / "projects"
STEPS = "steps/duplicates_steps.py"


@pytest.fixture(scope="module")
def found():
    return duplicates(PROJECTS / "audit_duplicates")


@pytest.mark.parametrize(
    ("rule", "subjects"),
    [
        ("undefined-line", {"When they dance"}),
        ("ambiguous-line", {"When a message is sent", "Then 3 bees are home", "When they rest", "Given a bee"}),
        ("ambiguous-definition", {"@when('a message is sent')"}),
        ("equal-patterns", {"@given('a bee')", "@when('they rest')"}),
        ("shadowed-definition", {"@then('{count:d} {kind} are home')", "@then('the queen is {mood}')"}),
        ("unused-definition", {"@given('nobody says this')", "@then('the queen is {mood} and calm')"}),
        ("broken-pattern", {"@given('a {thing:Unregistered}')"}),
        ("scenario-without-when", {"Nothing is done"}),
        ("scenario-without-then", {"Nothing is asserted"}),
        ("equal-scenario-names", {"Rows of one name", "Twice"}),
    ],
)
def test_each_kind_of_fault_is_found_and_nothing_else_of_that_kind(found, rule, subjects):
    assert {finding.subject for finding in found if finding.rule == rule} == subjects


def test_no_kind_is_left_out_above(found):
    assert len({finding.rule for finding in found}) == 10


def test_a_fault_is_told_with_its_place_and_the_other_one(found):
    (equal,) = [
        finding for finding in found if (finding.rule, finding.subject) == ("equal-patterns", "@given('a bee')")
    ]
    assert equal.file == STEPS
    assert equal.line > 30
    assert f"{STEPS}:6" in equal.why
    (undefined,) = [finding for finding in found if finding.rule == "undefined-line"]
    assert (undefined.file, undefined.line) == ("features/bad.feature", 8)
    (calm,) = [finding for finding in found if finding.subject == "@then('the queen is {mood}')"]
    assert "`the queen is word and calm`" in calm.why


def test_good_sentences_and_scenarios_are_not_flagged():
    assert duplicates(PROJECTS / "audit_clean") == []


@pytest.mark.parametrize(
    ("matcher", "pattern", "lines"),
    [
        (ParseMatcher, "{count:d} bees are {where}", ["7 bees are word", "7 bees are two words"]),
        (ParseMatcher, "they fly", ["they fly"]),
        (ParseMatcher, "{kind:w} of a type of which no feature has a value: {some:x}", []),
        (RegexMatcher, r"(\d+) bees", []),
    ],
)
def test_samples_are_lines_that_their_definition_matches(matcher, pattern, lines):
    samples = {"": ["word", "two words"], "d": ["7"], "w": ["word"]}
    definition = Definition("given", pattern, STEPS, 1, matcher(lambda context: None, pattern))
    assert list(filled(definition, samples)) == lines


def test_this_project_has_none():
    assert duplicates(HERE) == []


def test_loading_leaves_behaves_registry_as_it_was():
    before = {kind: list(steps) for kind, steps in the_step_registry.steps.items()}
    load_project(PROJECTS / "audit_clean")
    assert the_step_registry.steps == before
    assert the_step_registry.add_step_definition.__func__ is type(the_step_registry).add_step_definition


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("steps/a_steps.py", "import no_such_module_at_all\n", "no_such_module_at_all"),
        ("steps/a_steps.py", "def broken(:\n", "invalid syntax"),
        ("features/a.feature", "Feature: A\n  Scenario: B\n    Given rain\n    Examples:\n      | a |\n", "a.feature"),
        ("pyproject.toml", '[tool.behave]\npaths = ["features", "nowhere.feature"]\n', "nowhere"),
        ("pyproject.toml", '[tool.behave]\npaths = ["features", "nowhere"]\n', "nowhere"),
    ],
)
def test_a_project_that_cannot_be_loaded_is_an_error_that_says_why(tmp_path, name, content, message):
    (tmp_path / "steps").mkdir()
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "z.feature").write_text("Feature: Z\n", encoding="utf-8")
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(HarnessError, match=message):
        load_project(tmp_path)


@pytest.mark.parametrize(("project", "code"), [("audit_duplicates", 1), ("audit_clean", 0)])
def test_the_command_exits_1_when_anything_was_found(monkeypatch, project, code):
    monkeypatch.chdir(PROJECTS / project)
    result = CliRunner().invoke(app, ["duplicates", "--format", "json"])
    assert result.exit_code == code
    assert bool(json.loads(result.stdout)) is bool(code)


def test_a_row_of_an_outline_is_called_by_its_name_alone():
    assert plain_name("It is killed -- @1.2 In namespaces") == "It is killed"
    assert plain_name("A -- B") == "A -- B"
    assert scenario_id("features/x.feature", "It is killed -- @1.2 ") == "features/x.feature::It is killed"
