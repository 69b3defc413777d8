"""Probes: strikes, recovery, and the identity of who answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.hive.workers.prober import Strikes


@pytest.mark.parametrize(
    ("answers", "well"),
    [
        ([True], True),
        ([False, False], True),
        ([False, False, False], False),
        ([False, False, True, False, False], True),
        ([False, False, False, False, True], True),
    ],
)
def test_three_strikes(answers, well):
    strikes = Strikes(3)
    assert [strikes.note(answered=answer) for answer in answers][-1] is well


@given(st.lists(st.booleans(), min_size=1), st.integers(1, 5))
def test_unwell_exactly_after_that_many_failures_in_a_row(answers, limit):
    strikes = Strikes(limit)
    for n, answer in enumerate(answers):
        well = strikes.note(answered=answer)
        assert well == (not (n + 1 >= limit and not any(answers[n + 1 - limit : n + 1])))
