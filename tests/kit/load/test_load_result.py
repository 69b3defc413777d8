"""What may be concluded from a load: good, bad, or nothing because the machine was too slow."""

from __future__ import annotations

import pytest

from beehave.load.machine import others_share
from beehave.load.plan import Pace
from beehave.load.recorder import Summary
from beehave.load.result import Bounds, LoadResult, VerdictKind, judge

BOUNDS = Bounds(mean_ms=100, p99_ms=500)


def times(mean: float, p99: float, *, n: int = 1000) -> Summary:
    return Summary(n=n, mean_ms=mean, p50_ms=mean, p90_ms=mean, p99_ms=p99, max_ms=p99, clamped=0)


def result(*, latency=(30, 80), lag=(1, 5), answered=1000, errors=None, complete=True) -> LoadResult:
    return LoadResult(
        pace=Pace.CONSTANT,
        rate_per_s=100,
        planned=1000,
        seed=7,
        complete=complete,
        seconds=10.03,
        answered=answered,
        errors=errors or {},
        in_flight_max=4,
        tokens=0,
        latency=times(*latency),
        lag=times(*lag),
        first_token=times(0, 0, n=0),
        between_tokens=times(0, 0, n=0),
    )


@pytest.mark.parametrize(
    ("found", "others", "kind", "reason"),
    [
        (result(), 0.0, VerdictKind.GOOD, "the bounds hold"),
        (result(), 0.9, VerdictKind.GOOD, "the bounds hold"),
        (result(latency=(99.9, 499.9), lag=(10, 50)), 0.0, VerdictKind.GOOD, "the bounds hold"),
        (result(latency=(100, 120)), 0.0, VerdictKind.BAD, "mean 100.0 ms, not under 100 ms"),
        (result(latency=(30, 500)), 0.5, VerdictKind.BAD, "p99 500.0 ms, not under 500 ms"),
        (
            result(latency=(30, 500)),
            0.51,
            VerdictKind.INCONCLUSIVE,
            "the machine was too slow: other processes used 51%",
        ),
        (result(lag=(1, 50.1)), 0.0, VerdictKind.INCONCLUSIVE, "the machine was too slow: the generator's own lag"),
        (result(lag=(10.1, 20)), 0.0, VerdictKind.INCONCLUSIVE, "mean of 10.1 ms, over 10% of the bound of 100 ms"),
        (result(latency=(300, 900), lag=(60, 90)), 0.0, VerdictKind.INCONCLUSIVE, "the machine was too slow"),
        (result(answered=999, errors={"503 busy": 1}), 0.0, VerdictKind.BAD, "only 999 of 1000"),
        (result(answered=999, errors={"503 busy": 1}, lag=(90, 90)), 0.9, VerdictKind.BAD, "only 999 of 1000"),
        (result(answered=400, complete=False), 0.0, VerdictKind.BAD, "only 400 of 1000"),
    ],
)
def test_the_verdict(found, others, kind, reason):
    verdict = judge(found, BOUNDS, others_share=others)
    assert verdict.kind is kind, verdict
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("kind", "late"),
    [
        ("no answer in time", True),
        ("connection: ServerDisconnectedError", True),
        ("504 deadline_exceeded", True),
        ("408 without a code", True),
        ("stream broken by stalled", True),
        ("stream broken by deadline_exceeded", True),
        ("503 no_worker_available", False),
        ("429 busy", False),
        ("200 without a completion", False),
    ],
)
def test_which_errors_mean_too_late_or_cut_off(kind, late):
    found = result(answered=998, errors={kind: 2})
    assert bool(found.late_or_cut_off) is late


def test_the_text_has_all_that_one_needs_to_believe_a_percentile():
    text = result(errors={"429 busy": 3}).text()
    for part in (
        "n=1000",
        "constant schedule of 100.0/s (seed 7)",
        "the intended send",
        "p99 80.0",
        "3 x 429 busy",
        "lag",
    ):
        assert part in text, text


@pytest.mark.parametrize(
    ("busy", "ours", "capacity", "share"),
    [(10, 4, 20, 0.3), (10, 10, 20, 0.0), (10, 11, 20, 0.0), (30, 0, 20, 1.0), (1, 0, 0, 0.0)],
)
def test_the_others_part_of_the_machine(busy, ours, capacity, share):
    assert others_share(busy_s=busy, ours_s=ours, capacity_s=capacity) == pytest.approx(share)
