"""What comes out of a step function, whatever it does."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from behave.matchers import Match

from beehave.runner.evidence import AssertionTrace
from beehave.runner.interruption import Interruption
from beehave.runner.step_guard import NotAwaitedError, StepEndedRunError, StepGuard, UnawaitedCoroutines


@pytest.fixture
def run(tmp_path, journal):
    """Run a function as a When."""
    shown = warnings.showwarning
    context = SimpleNamespace(session=SimpleNamespace(journal=journal), use_with_user_mode=nullcontext)
    with warnings.catch_warnings():
        guard = StepGuard(None, Interruption(), UnawaitedCoroutines(), AssertionTrace([tmp_path]))

        def run(function):
            guard.run(Match(function, []), SimpleNamespace(step_type="when", name="a sentence"), context)

        yield run
    warnings.showwarning = shown


async def coroutine(): ...


@pytest.mark.parametrize(
    ("raised", "comes_out"), [(GeneratorExit(), StepEndedRunError), (LookupError("this one"), LookupError)]
)
def test_exceptions_come_out_as_they_are_but_those_that_would_end_the_run(run, raised, comes_out):
    def step(_context):
        raise raised

    with pytest.raises(comes_out, match="GeneratorExit|this one"):
        run(step)


def test_a_coroutine_that_is_thrown_away_is_the_fault_of_that_step_only(run):
    def step(_context):
        coroutine()

    with pytest.raises(NotAwaitedError, match="'coroutine' was never awaited"):
        run(step)
    run(lambda _context: None)


def test_other_warnings_are_passed_on(run):
    with pytest.warns(DeprecationWarning, match="old"):
        run(lambda _context: warnings.warn("old", DeprecationWarning, stacklevel=1))
