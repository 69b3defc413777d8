"""What comes out of a step function, whatever it does."""

from __future__ import annotations

import sys
import warnings
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from behave.matchers import Match

from beehave.journal import Journal
from beehave.runner.evidence import AssertionTrace, EvidenceError
from beehave.runner.interruption import Interruption
from beehave.runner.step_guard import NotAwaitedError, StepEndedRunError, StepGuard, UnawaitedCoroutines


@pytest.fixture
def run(tmp_path):
    """Run a function as a step of a type."""
    shown = warnings.showwarning
    journal = Journal(tmp_path / "journal.ndjson")
    context = SimpleNamespace(session=SimpleNamespace(journal=journal), use_with_user_mode=nullcontext)
    with warnings.catch_warnings():
        guard = StepGuard(None, Interruption(), UnawaitedCoroutines(), AssertionTrace([tmp_path]))

        def run(function, step_type="when"):
            step = SimpleNamespace(step_type=step_type, name="a sentence")
            guard.run(Match(function, []), step, context)

        run.journal = journal
        yield run
    journal.close()
    warnings.showwarning = shown


async def coroutine(): ...


def test_a_step_that_does_nothing_wrong_passes(run):
    run(lambda _context: None)


@pytest.mark.parametrize("code", [0, 1, "text"])
def test_sys_exit_is_a_failed_step(run, code):
    with pytest.raises(StepEndedRunError, match="sys.exit"):
        run(lambda _context: sys.exit(code))


def test_other_base_exceptions_are_failed_steps(run):
    def step(_context):
        raise GeneratorExit

    with pytest.raises(StepEndedRunError, match="GeneratorExit"):
        run(step)


def test_exceptions_come_out_as_they_are(run):
    def step(_context):
        raise LookupError("this one")

    with pytest.raises(LookupError, match="this one"):
        run(step)


def test_a_returned_coroutine_is_refused(run):
    with pytest.raises(NotAwaitedError, match="coroutine 'coroutine' was never awaited"):
        run(lambda _context: coroutine())


def test_a_coroutine_that_is_thrown_away_is_refused(run):
    def step(_context):
        coroutine()

    with pytest.raises(NotAwaitedError, match="'coroutine' was never awaited"):
        run(step)
    run(lambda _context: None)  # it is the fault of that step only


def test_other_warnings_are_passed_on(run):
    with pytest.warns(DeprecationWarning, match="old"):
        run(lambda _context: warnings.warn("old", DeprecationWarning, stacklevel=1))


@pytest.mark.parametrize("step_type", ["given", "when"])
def test_only_a_then_owes_evidence(run, step_type):
    run(lambda _context: None, step_type)
    with pytest.raises(EvidenceError):
        run(lambda _context: None, "then")


def test_a_then_with_evidence_passes(run):
    def step(context):
        context.session.journal.observe("something")
        context.session.journal.checked("something")

    run(step, "then")
