"""The sampler: the slope that it draws, and that a process which grows is seen to."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beehave.conditions import eventually
from beehave.identity import Identity
from beehave.process.sampler import Limit, Load, Sampler, Usage, look, slope_per_s, trend

LOAD = Load(requests=1000, in_flight_max=3)
MIB = 1024 * 1024


def series(*values: float, every_s: float = 0.5) -> list[tuple[float, float]]:
    return [(number * every_s, value) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("points", "slope"),
    [
        ([], 0),
        ([(1.0, 5.0)], 0),
        ([(1.0, 5.0), (1.0, 9.0)], 0),
        (series(1, 2, 3, 4), 2),
        (series(4, 3, 2, 1), -2),
        (series(5, 5, 5, 5, 5), 0),
        (series(0, 0, 0, 0, 900, 0, 0, 0, 0), 0),  # a peak
        (series(0, 0, 50, 50, 50, 50, 50, 50, 50, 50), 0),  # a step near the beginning
        (series(0, 0, 0, 0, 0, 0, 0, 50, 50), 0),  # a step near the end
    ],
)
def test_the_slope(points, slope):
    assert slope_per_s(points) == pytest.approx(slope)


@given(st.floats(-100, 100), st.integers(0, 1000))
def test_a_steady_leak_is_found_under_noise_and_peaks(rate, seed):
    noise = random.Random(seed)
    points = [(at / 5, rate * at / 5 + noise.uniform(-0.5, 0.5)) for at in range(50)]
    points[seed % 50] = (points[seed % 50][0], 10_000.0)
    assert slope_per_s(points) == pytest.approx(rate, abs=0.3)


def test_least_squares_would_take_one_step_for_growth():
    points = series(*[0] * 10, *[50] * 5)
    assert statistics.linear_regression(*zip(*points, strict=True)).slope > 8
    assert slope_per_s(points) == 0


@pytest.mark.parametrize(
    ("limit", "load", "bound"),
    [
        (Limit("threads", at_least=2), LOAD, 2),
        (Limit("rss_bytes", at_least=MIB, per_request=1024), LOAD, MIB),
        (Limit("rss_bytes", at_least=MIB, per_request=1024), Load(10_000, 3), 10_000 * 1024),
        (Limit("open_files", at_least=2, per_request_in_flight=2), LOAD, 8),
    ],
)
def test_the_bound_of_a_limit(limit, load, bound):
    assert limit.bound(load) == bound


@pytest.mark.parametrize(("per_look", "flat"), [(0, True), (-5, True), (1, False)])
def test_a_trend_is_judged_by_its_growth_over_the_whole_run(per_look, flat):
    usages = [Usage(float(at), 0, 20 + per_look * at, 4, 0.0) for at in range(11)]
    found = trend("queen", usages, Limit("open_files", at_least=2, per_request_in_flight=2), LOAD)
    assert (found.growth, found.flat) == (10 * per_look, flat)
    assert "queen: open_files" in str(found)
    assert "bound 8.0" in str(found)


def test_one_sample_makes_no_slope():
    with pytest.raises(ValueError, match="1 samples make no slope"):
        trend("queen", [Usage(0.0, 0, 0, 0, 0.0)], Limit("threads", at_least=2), LOAD)


GROWING = """
import os, threading, time
kept, done = [], threading.Event()
print("on", flush=True)
for _ in range(400):
    kept.append(bytearray(os.urandom(1)) * (256 * 1024))
    os.dup(0)
    threading.Thread(target=done.wait, daemon=True).start()
    time.sleep(0.01)
"""
STEADY = 'import time; print("on", flush=True); time.sleep(60)'


@pytest.fixture
def child():
    children = []

    def start(program: str) -> Identity:
        process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        children.append(process)
        process.stdout.readline()
        return Identity.of(process.pid)

    yield start
    for process in children:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def sampled(journal, processes, samples=8) -> Sampler:
    sampler = Sampler(journal, processes, interval_s=0.05)
    sampler.start()
    try:
        enough = dict.fromkeys(processes, samples)
        eventually(
            journal,
            "samples",
            lambda: {name: len(usages) for name, usages in sampler.usages.items()},
            lambda counts: sampler.gone or all(counts.get(name, 0) >= enough[name] for name in enough),
            within_s=10,
        )
    finally:
        sampler.stop()
    return sampler


@pytest.mark.parametrize("quantity", ["rss_bytes", "open_files", "threads"])
def test_a_process_that_grows_is_seen_beside_one_that_does_not(journal, child, quantity):
    sampler = sampled(journal, {"growing": child(GROWING), "steady": child(STEADY)})
    least = {"rss_bytes": MIB, "open_files": 5.0, "threads": 5.0}[quantity]
    found = {one.process: one for one in sampler.trends([Limit(quantity, at_least=least)], LOAD)}
    assert not found["growing"].flat, str(found["growing"])
    assert found["steady"].flat, str(found["steady"])
    assert journal.observations == 1


def test_a_process_that_is_gone_is_no_flat_one(journal, child):
    sampler = sampled(journal, {"short": child('print("on", flush=True)')}, samples=10_000)
    with pytest.raises(AssertionError, match="gone while it was sampled.*short"):
        sampler.trends([Limit("threads", at_least=1)], LOAD)


def test_another_process_under_the_same_pid_is_not_taken_for_it(child):
    identity = child(STEADY)
    assert look(identity) is not None
    assert look(Identity(identity.pid, identity.start_ticks + 1)) is None


def test_no_thread_is_left_when_it_is_stopped(journal, child):
    sampled(journal, {"steady": child(STEADY)}, samples=2)
    assert "sampler" not in {thread.name for thread in threading.enumerate()}


def test_a_sampler_that_was_never_started_can_be_stopped(journal):
    Sampler.over(journal, {}, seconds=1).stop()
