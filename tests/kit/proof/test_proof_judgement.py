"""What catches a seed and what does not, by tables of endings; and how endings are read from a report."""

from __future__ import annotations

import pytest

from beehave.daemons import IS_READY
from beehave.proof.judgement import Ending, Mark, Run, Verdict, ending_of, endings_of, judge, red_in_all, to_repeat
from beehave.report.report import RunReport, ScenarioReport

A, B = "features/integration/recovery.feature::A", "features/integration/recovery.feature::B"


def run(*, timed_out: bool = False, **marks: Mark) -> Run:
    names = {"a": A, "b": B}
    return Run({names[key]: Ending(names[key], mark) for key, mark in marks.items()}, timed_out)


@pytest.mark.parametrize(
    ("first", "second", "caught_as", "verdict"),
    [
        (run(a=Mark.RED, b=Mark.GREEN), run(a=Mark.RED), "step", Verdict.CAUGHT),
        (run(a=Mark.RED, b=Mark.RED), run(a=Mark.GREEN, b=Mark.RED), "step", Verdict.CAUGHT),
        (run(a=Mark.RED, b=Mark.GREEN), run(a=Mark.GREEN), "step", Verdict.FLAKY),
        (run(a=Mark.RED, b=Mark.RED), run(a=Mark.GREEN, b=Mark.BROKEN), "step", Verdict.FLAKY),
        (run(a=Mark.RED), run(a=Mark.START_UP), "step", Verdict.FLAKY),
        (run(a=Mark.RED), None, "step", Verdict.FLAKY),
        (run(a=Mark.GREEN, b=Mark.GREEN), None, "step", Verdict.MISSED),
        (run(a=Mark.GREEN, b=Mark.SKIPPED), None, "step", Verdict.MISSED),
        (run(a=Mark.SKIPPED, b=Mark.SKIPPED), None, "step", Verdict.NOT_JUDGED),
        (run(a=Mark.AT_END, b=Mark.GREEN), None, "step", Verdict.LEAK_ONLY),
        (run(a=Mark.AT_END), run(a=Mark.AT_END), "leak", Verdict.CAUGHT),
        (run(a=Mark.AT_END), run(a=Mark.GREEN), "leak", Verdict.FLAKY),
        (run(a=Mark.START_UP, b=Mark.AT_END), None, "step", Verdict.START_UP),
        (run(a=Mark.START_UP), run(a=Mark.START_UP), "start_up", Verdict.CAUGHT),
        (run(a=Mark.START_UP), None, "leak", Verdict.START_UP),
        (run(a=Mark.BROKEN, b=Mark.GREEN), None, "step", Verdict.BROKEN),
        (run(a=Mark.RED, timed_out=True), None, "step", Verdict.TIMEOUT),
        (run(a=Mark.RED), run(a=Mark.RED, timed_out=True), "step", Verdict.TIMEOUT),
        (run(a=Mark.UNFINISHED), None, "step", Verdict.BROKE_OFF),
        (run(a=Mark.GREEN, b=Mark.UNFINISHED), None, "step", Verdict.BROKE_OFF),
    ],
)
def test_the_verdict_on_a_seed(first, second, caught_as, verdict):
    assert judge(first, second, caught_as) is verdict


def test_once_is_enough_when_it_is_asked_for():
    assert judge(run(a=Mark.RED), None, once=True) is Verdict.CAUGHT
    assert judge(run(a=Mark.BROKEN), None, once=True) is Verdict.BROKEN


def test_only_what_went_red_is_run_again():
    first = run(a=Mark.RED, b=Mark.AT_END)
    assert to_repeat(first, "step") == [A]
    assert to_repeat(first, "leak") == [A, B]
    assert to_repeat(run(a=Mark.RED, timed_out=True), "step") == []
    assert red_in_all(first, run(a=Mark.RED), "leak") == [A]


def scenario(name: str, status: str, *steps: tuple[str, str, str | None], reason: str = "") -> ScenarioReport:
    report = ScenarioReport(name, "Recovery", "features/integration/recovery.feature:7", [], status, 1500.0, reason)
    report.steps = [
        {"keyword": "Then", "type": kind, "sentence": "it holds", "status": step_status, "error": error}
        for kind, step_status, error in steps
    ]
    return report


PASSED = ("given", "passed", None)


@pytest.mark.parametrize(
    ("report", "mark"),
    [
        (scenario("A", "passed", PASSED), Mark.GREEN),
        (scenario("A", "skipped", reason="no nft here"), Mark.SKIPPED),
        (scenario("A", "failed", PASSED, ("then", "failed", "expected 1, got 2")), Mark.RED),
        (scenario("A", "failed", ("when", "failed", "expected 202, got 200")), Mark.RED),
        (scenario("A", "failed", PASSED, ("then", "error", "KeyError: 'hives'")), Mark.BROKEN),
        (scenario("A", "failed", ("given", "failed", f"hive-1 {IS_READY} 7: not within 30.00 s")), Mark.START_UP),
        (scenario("A", "failed", PASSED), Mark.AT_END),
        (scenario("A", "hook_error", PASSED, reason="HarnessError: no"), Mark.BROKEN),
        (scenario("A", "failed", ("given", "undefined", None)), Mark.BROKEN),
        (scenario("A", "unfinished", PASSED), Mark.UNFINISHED),
    ],
)
def test_how_a_scenario_ended(report, mark):
    ending = ending_of(report)
    assert (ending.scenario, ending.mark, ending.seconds) == (A, mark, 1.5)


def test_the_first_step_that_fell_is_told():
    fallen = scenario("A", "failed", PASSED, ("then", "failed", "expected 1, got 2"), ("then", "skipped", None))
    ending = ending_of(fallen)
    assert (ending.step, ending.step_type, ending.message) == ("Then it holds", "then", "expected 1, got 2")


def test_rows_that_share_a_name_are_one_scenario_and_the_red_one_decides(tmp_path):
    rows = [
        scenario("A -- @1.1 ", "passed", PASSED),
        scenario("A -- @1.2 ", "failed", ("then", "failed", "no")),
        scenario("A -- @1.3 ", "skipped"),
    ]
    report = RunReport(tmp_path / "journal.ndjson", {}, None, rows, [])
    endings = endings_of(report, [A, B])
    assert {name: ending.mark for name, ending in endings.items()} == {A: Mark.RED, B: Mark.UNFINISHED}
