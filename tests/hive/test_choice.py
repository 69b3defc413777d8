"""Which worker of a hive an inference goes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.hive.inference import Candidate, choose


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ([], None),
        ([Candidate("a", 2, 2)], None),
        ([Candidate("a", 0, 0)], None),
        ([Candidate("b", 2, 0), Candidate("a", 2, 0)], "a"),
        ([Candidate("a", 2, 1), Candidate("b", 2, 0)], "b"),
        ([Candidate("a", 2, 1), Candidate("b", 8, 2)], "b"),
        ([Candidate("a", 1, 1), Candidate("b", 4, 3)], "b"),
    ],
)
def test_choice(candidates, chosen):
    found = choose(candidates)
    assert (found and found.id) == chosen


@given(
    st.lists(st.builds(Candidate, id=st.text(max_size=3), slots_total=st.integers(0, 4), relaying=st.integers(0, 4)))
)
def test_a_full_worker_is_never_chosen_and_a_free_one_never_overlooked(candidates):
    chosen = choose(candidates)
    assert (chosen is not None) == any(each.free > 0 for each in candidates)
    assert chosen is None or chosen.free > 0
