"""Recording latencies: the percentiles are right, and nothing that is out of range gets lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beehave.load.recorder import HIGHEST_US, Recorder

HIGHEST_MS = HIGHEST_US / 1000


def recorded(*milliseconds: float):
    recorder = Recorder()
    for value in milliseconds:
        recorder.add(value)
    return recorder.summary()


def test_percentiles_mean_and_maximum_of_a_known_series():
    summary = recorded(*range(1, 1001))
    assert (summary.n, summary.mean_ms, summary.max_ms, summary.clamped) == (1000, 500.5, 1000, 0)
    assert summary.p50_ms == pytest.approx(500, rel=0.001)
    assert summary.p90_ms == pytest.approx(900, rel=0.001)
    assert summary.p99_ms == pytest.approx(990, rel=0.001)


def test_a_value_beyond_the_histogram_is_clamped_and_counted_and_kept_in_mean_and_maximum():
    summary = recorded(1, 1, 1, 2 * HIGHEST_MS)
    assert (summary.n, summary.clamped, summary.max_ms) == (4, 1, 2 * HIGHEST_MS)
    assert summary.p99_ms == pytest.approx(HIGHEST_MS, rel=0.001)
    assert summary.mean_ms == pytest.approx(HIGHEST_MS / 2, rel=0.001)
    assert "1 beyond the histogram" in summary.text()


@pytest.mark.parametrize("milliseconds", [0.0, -3.0, 0.0001])
def test_what_is_too_short_to_measure_counts_as_a_sample(milliseconds):
    summary = recorded(milliseconds)
    assert summary.n == 1
    assert 0 <= summary.p50_ms <= 0.001


def test_nothing_recorded_is_said_as_such():
    assert (recorded().n, recorded().text()) == (0, "none")


@given(st.lists(st.floats(0, 1e7, allow_nan=False), min_size=1, max_size=60))
def test_no_sample_is_ever_dropped_and_the_order_of_the_figures_holds(values):
    summary = recorded(*values)
    assert summary.n == len(values)
    assert summary.p50_ms <= summary.p90_ms <= summary.p99_ms <= summary.max_ms == max(values)
    assert summary.clamped == sum(round(value * 1000) > HIGHEST_US for value in values)
