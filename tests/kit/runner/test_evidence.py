"""The evidence rule: which assertions count, and what a Then that lacks something is told."""

from __future__ import annotations

import sys

import pytest

from beehave.runner.evidence import AssertionTrace, Evidence, EvidenceError, assert_lines, gathered


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("assert seen", {1}),
        ("assert seen == 1, 'message'", {1}),
        ("assert (\n    seen\n    == 1\n)", {1, 2, 3}),
        ("def step(context):\n    if context:\n        assert context.seen", {3}),
        ("assert True", set()),
        ("assert 1 < 2, 'arithmetic'", set()),
        ("seen = 1", set()),
    ],
)
def test_only_assertions_that_depend_on_something_count(source, lines):
    assert assert_lines(source) == lines


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence(), "made no observation"),
        (Evidence(assertions=1), "made no observation"),
        (Evidence(observations=1), "asserted nothing"),
        (Evidence(observations=1, assertions=1), None),
        (Evidence(observations=1, checks=1), None),
    ],
)
def test_what_is_missing_is_said(evidence, said):
    shortfall = evidence.shortfall()
    assert (shortfall is None) if said is None else (said in shortfall)


def step_module(folder, source):
    path = folder / "some_steps.py"
    path.write_text(source, encoding="utf-8")
    names = {}
    exec(compile(source, str(path), "exec"), names)
    return names


def test_executed_assertions_are_counted_and_others_are_not(tmp_path, journal):
    names = step_module(
        tmp_path,
        "def step(seen):\n    if seen > 1:\n        assert seen < 9\n\n\ndef helper(seen):\n    assert seen\n",
    )
    trace = AssertionTrace([tmp_path])
    for seen, counted in ((1, 0), (2, 1)):
        evidence = Evidence()
        with trace.counting_into(evidence):
            names["step"](seen)
            assert seen  # in this file, which is no step file
        assert evidence.assertions == counted


def test_a_failing_assertion_comes_out_as_it_is(tmp_path, journal):
    names = step_module(tmp_path, "def step(seen):\n    assert seen == 2, 'expected two'\n")
    with pytest.raises(AssertionError, match="expected two"), gathered(journal, AssertionTrace([tmp_path])):
        names["step"](1)


def test_evidence_is_what_was_seen_and_asserted_within_the_step(tmp_path, journal):
    names = step_module(tmp_path, "def step(seen):\n    assert seen\n")
    trace = AssertionTrace([tmp_path])
    journal.observe("before the step")
    with pytest.raises(EvidenceError, match="no observation"), gathered(journal, trace):
        names["step"](1)
    with gathered(journal, trace):
        journal.observe("in the step")
        names["step"](1)
    with gathered(journal, trace):
        journal.observe("in the step")
        journal.checked("by the harness")


def test_an_existing_trace_function_goes_on_and_comes_back(tmp_path, journal):
    names = step_module(tmp_path, "def step(seen):\n    assert seen\n")
    lines = []

    def tracer(frame, event, _argument):
        if frame.f_code.co_name == "step" and event == "line":
            lines.append(frame.f_lineno)
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        evidence = Evidence()
        with AssertionTrace([tmp_path]).counting_into(evidence):
            names["step"](1)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
    assert lines == [2]
    assert evidence.assertions == 1
