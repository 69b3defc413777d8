"""The schedule of a load: fixed beforehand, the same for the same seed."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beehave.load.plan import Pace
from beehave.load.schedule import send_offsets


def test_a_constant_schedule_has_equal_distances_and_begins_at_once():
    assert send_offsets(Pace.CONSTANT, rate_per_s=4, count=5, seed=1) == [0.0, 0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("pace", [Pace.CONSTANT, Pace.POISSON])
@given(seed=st.integers(0, 2**32), count=st.integers(1, 200), rate=st.floats(0.1, 10_000))
def test_the_same_seed_gives_the_same_schedule_and_it_never_goes_back(pace, seed, count, rate):
    once = send_offsets(pace, rate_per_s=rate, count=count, seed=seed)
    assert once == send_offsets(pace, rate_per_s=rate, count=count, seed=seed)
    assert len(once) == count
    assert once[0] >= 0
    assert all(before <= after for before, after in pairwise(once))


def test_another_seed_gives_another_poisson_schedule():
    one, other = (send_offsets(Pace.POISSON, rate_per_s=100, count=50, seed=seed) for seed in (1, 2))
    assert one != other


def test_poisson_distances_have_the_mean_of_the_rate_and_its_spread():
    offsets = send_offsets(Pace.POISSON, rate_per_s=100, count=20_000, seed=1)
    distances = [after - before for before, after in pairwise([0.0, *offsets])]
    assert offsets[-1] == pytest.approx(200, rel=0.03)
    # In an exponential distribution 1/e of the distances are longer than the mean; of equal distances none would be.
    assert sum(distance > 0.01 for distance in distances) / len(distances) == pytest.approx(0.368, abs=0.015)


def test_a_closed_loop_has_no_schedule():
    with pytest.raises(ValueError, match="no schedule"):
        send_offsets(Pace.CLOSED, rate_per_s=1, count=1, seed=1)
