"""The restart policy: who is restarted, when, and when no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.common.wire import RestartPolicy, WorkerState
from daemons.hive.ending import Ending, HowEnded
from daemons.hive.states import Reason
from daemons.hive.workers.restart import Rest, RestartAfter, RestartRules, RestartTracker

RULES = RestartRules(backoff_ms=500, backoff_cap_ms=30_000, breaker_restarts=5, breaker_window_ms=300_000)
CRASH = Ending(exit_status=1, signal=None)
KILLED = Ending(exit_status=None, signal=9)
CLEAN = Ending(exit_status=0, signal=None)
UNKNOWN = Ending(exit_status=None, signal=None)
UNKNOWN_DRAINED = Ending(exit_status=None, signal=None, announced_draining=True)

AGAIN = "again"


@pytest.mark.parametrize(
    ("when", "ending", "expected"),
    [
        (RestartPolicy.ALWAYS, CRASH, AGAIN),
        (RestartPolicy.ALWAYS, KILLED, AGAIN),
        (RestartPolicy.ALWAYS, CLEAN, AGAIN),
        (RestartPolicy.ALWAYS, UNKNOWN_DRAINED, AGAIN),
        (RestartPolicy.ON_FAILURE, CRASH, AGAIN),
        (RestartPolicy.ON_FAILURE, KILLED, AGAIN),
        (RestartPolicy.ON_FAILURE, UNKNOWN, AGAIN),
        (RestartPolicy.ON_FAILURE, CLEAN, Rest(WorkerState.STOPPED, Reason.EXITED)),
        (RestartPolicy.ON_FAILURE, UNKNOWN_DRAINED, Rest(WorkerState.STOPPED, Reason.EXITED)),
        (RestartPolicy.NEVER, CRASH, Rest(WorkerState.FAILED, Reason.CRASHED)),
        (RestartPolicy.NEVER, KILLED, Rest(WorkerState.FAILED, Reason.CRASHED)),
        (RestartPolicy.NEVER, CLEAN, Rest(WorkerState.STOPPED, Reason.EXITED)),
    ],
)
def test_policy(when, ending, expected):
    decision = RestartTracker(RULES).decide(when, ending, now_ms=0, jitter=0.5)
    if expected is AGAIN:
        assert isinstance(decision, RestartAfter)
    else:
        assert decision == expected


@pytest.mark.parametrize("when", list(RestartPolicy))
@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (Ending(exit_status=2, signal=None), Reason.CONFIGURATION),
        (Ending(exit_status=4, signal=None), Reason.MODEL_MISSING_OR_CORRUPT),
        (Ending(exit_status=None, signal=9, start_up_timed_out=True), Reason.START_UP_TIMEOUT),
    ],
)
def test_what_a_new_try_cannot_help_is_never_tried_again(when, ending, reason):
    decision = RestartTracker(RULES).decide(when, ending, now_ms=0, jitter=0)
    assert decision == Rest(WorkerState.FAILED, reason)


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_backoff_doubles_within_its_jitter(jitter):
    tracker = RestartTracker(RULES)
    delays = [tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=n, jitter=jitter) for n in range(5)]
    assert delays == [RestartAfter(round(full * (0.5 + jitter / 2))) for full in (500, 1000, 2000, 4000, 8000)]


def test_backoff_is_capped():
    rules = RestartRules(backoff_ms=500, backoff_cap_ms=1_200, breaker_restarts=2_000, breaker_window_ms=300_000)
    tracker = RestartTracker(rules)
    delays = [tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=n, jitter=1.0 - 1e-9) for n in range(1_500)]
    assert delays[:3] == [RestartAfter(500), RestartAfter(1_000), RestartAfter(1_200)]
    assert delays[-1] == RestartAfter(1_200)


def test_breaker_opens_at_the_crash_after_the_last_allowed_restart():
    tracker = RestartTracker(RULES)
    for n in range(5):
        assert isinstance(tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=n * 1_000, jitter=0), RestartAfter)
    decision = tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=5_000, jitter=0)
    assert decision == Rest(WorkerState.FAILED, Reason.RESTART_LIMIT)


@pytest.mark.parametrize(("now_ms", "open_"), [(299_999, True), (300_000, False)])
def test_breaker_forgets_what_left_its_window(now_ms, open_):
    tracker = RestartTracker(RULES)
    for _ in range(5):
        tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=0, jitter=0)
    decision = tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=now_ms, jitter=0)
    assert isinstance(decision, Rest) is open_


def test_a_served_inference_clears_count_and_backoff():
    tracker = RestartTracker(RULES)
    for _ in range(5):
        tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=0, jitter=0)
    tracker.clear()
    assert tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=1, jitter=0) == RestartAfter(250)


@given(
    at=st.lists(st.integers(0, 2_000_000), min_size=1, max_size=60),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_never_more_restarts_in_a_window_than_the_breaker_allows(at, jitter):
    tracker = RestartTracker(RULES)
    restarted = []
    for now_ms in sorted(at):
        decision = tracker.decide(RestartPolicy.ALWAYS, CRASH, now_ms=now_ms, jitter=jitter)
        if isinstance(decision, RestartAfter):
            restarted.append(now_ms)
            assert RULES.backoff_ms / 2 <= decision.delay_ms <= RULES.backoff_cap_ms
    for first in restarted:
        window = [each for each in restarted if first <= each < first + RULES.breaker_window_ms]
        assert len(window) <= RULES.breaker_restarts


@pytest.mark.parametrize(
    ("ending", "how"),
    [(CLEAN, HowEnded.CLEAN), (CRASH, HowEnded.ERROR), (KILLED, HowEnded.SIGNAL), (UNKNOWN, HowEnded.UNKNOWN)],
)
def test_how_ended(ending, how):
    assert ending.how is how
