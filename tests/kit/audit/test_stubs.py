"""`beehave stubs`: every seeded bad step of tests/projects_audit is found, by rule and line, and no good one."""

from __future__ import annotations

import json
import re
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest

from beehave.audit import stubs
from beehave.audit.findings import Finding
from beehave.audit.rules import RULES
from beehave.audit.stubs import find_stubs
from beehave.cli import main
from beehave.errors import HarnessError

PROJECT = Path(__file__).resolve().parents[2] / "projects_audit"
FILES = ["environment.py", *sorted(f"steps/{path.name}" for path in (PROJECT / "steps").glob("*.py"))]


def expected(file: str) -> set[tuple[int, str]]:
    """Read the comments `# expect: rule, rule` of a file of the project."""
    return {
        (number, rule.strip())
        for number, line in enumerate((PROJECT / file).read_text(encoding="utf-8").splitlines(), 1)
        if (match := re.search(r"# expect: (.*)$", line))
        for rule in match[1].split(",")
    }


@pytest.fixture(scope="module", autouse=True)
def each_file_is_read_once():
    """Keep what was read of a file for all tests: the kit's own code is read in every audit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stubs.Source, "read", cache(stubs.Source.read))
        yield


@pytest.fixture(scope="module")
def findings():
    return find_stubs(PROJECT)


@pytest.mark.parametrize("file", FILES)
def test_exactly_the_seeded_faults_are_found(findings, file):
    assert {(each.line, each.rule) for each in findings if each.file == file} == expected(file)


def test_every_rule_has_a_seed(findings):
    assert set(RULES) <= {each.rule for each in findings}


def test_a_finding_says_where_what_why_and_what_to_do(findings):
    found = next(each for each in findings if each.rule == "empty-body")
    assert (found.file, found.subject) == ("steps/bodies_bad.py", "Given nothing at all")
    assert found.why
    assert found.advice


HEAD = """
import logging
from behave import given, when, then
logger = logging.getLogger(__name__)

def helper(text):
    logger.info(text)
"""
STUBS = {
    "given": '@given("{name}: {count:d} workers")\ndef a_step(context, count):\n    pass  # TODO\n',
    "when": '@when("{name}: {count:d} workers are killed")\ndef a_step(context, count):\n    pass  # TODO\n',
    "then": '@then("{name}: {count:d} workers are left")\ndef a_step(context, count):\n    pass  # TODO\n',
}
TRICKS = {
    "the parameter renamed": ("context, count", "context, _count"),
    "the parameter deleted": ("pass  # TODO", "del count"),
    "the parameter thrown away": ("pass  # TODO", "_ = count"),
    "an assignment to context": ("pass  # TODO", "context.x = 1"),
    "the parameter put into context": ("pass  # TODO", "context.count = count"),
    "a local assignment": ("pass  # TODO", "done = True"),
    "a log line": ("pass  # TODO", 'logger.info(f"{count} workers")'),
    "a helper that logs": ("pass  # TODO", 'helper(f"{count} workers")'),
    "a helper of another module that logs": ("pass  # TODO", 'from support.notes import note\n    note("%s", count)'),
    "assert True": ("pass  # TODO", "assert True"),
    "assert True with the parameter in its message": ("pass  # TODO", 'assert True, f"{count}"'),
    "an assertion on the parameter": ("pass  # TODO", "assert count == count"),
    "a value that the step made": ("pass  # TODO", "response = {}\n    assert response is not None or count"),
    "an own check mark": ("pass  # TODO", 'context.world.cluster.journal.checked(f"{count}")'),
    "an if about the parameter": ("pass  # TODO", "if count:\n        logger.info(count)"),
    "a swallowed attempt": ("pass  # TODO", "try:\n        print(count)\n    except Exception:\n        raise"),
}


def audited(folder: Path, source: str) -> list[Finding]:
    (folder / "steps").mkdir()
    (folder / "steps" / "a_steps.py").write_text(HEAD + source, encoding="utf-8")
    shutil.copytree(PROJECT / "support", folder / "support")
    return find_stubs(folder)


def test_the_tricks_of_a_stub_move_no_number(tmp_path):
    """All in one file, for all code is read each time; each step is told apart by the name of its trick."""
    steps = {
        f"{kind}: {name}": stub.replace("{name}", f"{kind}: {name}").replace(old, new)
        for kind, stub in STUBS.items()
        for name, (old, new) in {"plain": ("", ""), **TRICKS}.items()
    }
    findings = audited(tmp_path, "\n".join(steps.values()))
    found = {step: [each.rule for each in findings if f" {step}: " in each.subject] for step in steps}
    assert all(len(found[f"{kind}: plain"]) >= 2 for kind in STUBS)
    better = {step: rules for step, rules in found.items() if len(rules) < len(found[f"{step.split(':')[0]}: plain"])}
    assert not better


def test_a_file_that_is_no_python_is_a_finding(tmp_path):
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "broken.py").write_text("def a(:\n", encoding="utf-8")
    (tmp_path / "steps" / "other.py").write_text("import time\ntime.sleep(1)\n", encoding="utf-8")
    assert [(each.file, each.line, each.rule) for each in find_stubs(tmp_path)] == [
        ("steps/broken.py", 1, "syntax-error"),
        ("steps/other.py", 2, "sleep"),
    ]


GIVEN = '@given("a wish for {x:d}")\ndef a(context, x):\n    context.x = x\n'
THEN = '@then("the wish is {x:d}")\ndef b(context, x):\n    assert context.x == x\n'


@pytest.fixture
def small(tmp_path) -> Path:
    """A project of one Given and one Then that do nothing, in a file each, and of a file without steps."""
    (tmp_path / "steps").mkdir()
    for name, source in {"a_given.py": GIVEN, "a_then.py": THEN, "none.py": ""}.items():
        (tmp_path / "steps" / name).write_text(f"from behave import given, then\n{source}", encoding="utf-8")
    return tmp_path


def test_one_file_is_judged_with_the_others_known_and_may_be_named_in_three_ways(small):
    whole = [each for each in find_stubs(small) if each.file == "steps/a_then.py"]
    assert (4, "assertion-without-evidence") in {(each.line, each.rule) for each in whole}
    assert {each.line for each in whole} == {3, 4}
    assert [find_stubs(small, file=name) for name in ("a_then", "a_then.py", "steps/a_then.py")] == [whole] * 3


def test_an_unknown_name_is_answered_with_the_names_that_there_are():
    with pytest.raises(
        HarnessError, match=r"no steps file called 'nope'; there are: steps/bodies_bad.py, .*steps/good.py"
    ):
        find_stubs(PROJECT, file="nope")
    with pytest.raises(HarnessError, match=r"there is no steps/nope.py; .*: steps/bodies_bad.py"):
        find_stubs(PROJECT, [PROJECT / "steps" / "nope.py"])


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["steps/a_then.py", "--format", "json"], 1, '"rule": "assertion-without-evidence"'),
        (["--format", "sarif"], 1, '"ruleId": "empty-body"'),
        (["steps/none.py"], 0, "beehave stubs: nothing found\n"),
        (["--file", "nope"], 2, "steps/none.py"),
    ],
)
def test_the_command_ends_with_a_status_that_says_whether_anything_was_found(
    small, monkeypatch, capsys, arguments, status, says
):
    monkeypatch.chdir(small)
    monkeypatch.setattr(sys, "argv", ["beehave", "stubs", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == status
    assert says in (said.err if status == 2 else said.out)
    if "json" in arguments:
        assert {each["file"] for each in json.loads(said.out)} == {"steps/a_then.py"}


def test_our_own_steps_do_what_they_say():
    assert find_stubs(PROJECT.parents[1]) == []
