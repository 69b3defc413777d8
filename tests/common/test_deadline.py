"""Deadlines: what a header means, and that no chain of hops ever lengthens one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.common.deadline import Deadline
from daemons.common.errors import ApiError, ErrorCode


@given(st.integers(0, 9_999_999_999), st.lists(st.floats(0, 5, allow_nan=False), max_size=5))
def test_a_deadline_never_grows_at_a_hop(given_ms, spent_ms):
    header, last = str(given_ms), given_ms
    for spent in spent_ms:
        handed_on = Deadline.from_header(header, default_ms=1, since=time.monotonic() - spent / 1000).remaining_ms()
        assert 0 <= handed_on <= max(0, last - int(spent))
        header, last = str(handed_on), handed_on


def test_the_default_counts_where_no_header_is():
    assert 900 < Deadline.from_header(None, default_ms=1000).remaining_ms() <= 1000


def test_it_counts_from_the_arrival():
    deadline = Deadline.from_header("1000", default_ms=1, since=time.monotonic() - 0.4)
    assert 500 < deadline.remaining_ms() <= 600


@pytest.mark.parametrize("value", ["0", " 0 "])
def test_nothing_left_is_passed(value):
    deadline = Deadline.from_header(value, default_ms=1000)
    assert deadline.remaining_ms() == 0


@pytest.mark.parametrize("value", ["", "-1", "+1", "1.0", "1e3", "soon", "12345678901", "\u0661", "1_000"])
def test_what_is_no_whole_number_is_a_bad_request(value):
    with pytest.raises(ApiError) as caught:
        Deadline.from_header(value, default_ms=1)
    assert caught.value.code is ErrorCode.BAD_REQUEST
