"""Slots: taken and given back, foreign load, and reports that are older than they look."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.queen.cooldown import Cooldowns
from daemons.queen.slots import SlotLedger


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(clock):
    return SlotLedger(heartbeat_s=5, clock=clock)


def test_own_requests_are_counted_and_given_back(ledger):
    ledger.take("w", "i", "h")
    ledger.take("w", "i", "h")
    assert (ledger.own("w", "i"), ledger.load("w", "i")) == (2, 2)
    ledger.give_back("w", "i")
    assert ledger.load("w", "i") == 1
    assert ledger.load("w", "successor") == 0


@pytest.mark.parametrize("taken", [0, 1])
def test_giving_back_more_than_was_taken_is_a_bug(ledger, taken):
    for _ in range(taken):
        ledger.take("w", "i", "h")
        ledger.give_back("w", "i")
    with pytest.raises(AssertionError, match="given back"):
        ledger.give_back("w", "i")


def test_what_is_reported_beyond_our_own_is_foreign(ledger):
    ledger.take("w", "i", "h")
    ledger.reported("w", "i", 3)
    assert ledger.load("w", "i") == 3
    ledger.give_back("w", "i")
    assert ledger.load("w", "i") == 2
    ledger.reported("w", "i", 0)
    assert ledger.load("w", "i") == 0


def test_a_report_that_saw_our_finished_request_is_not_foreign_load(ledger, clock):
    ledger.take("w", "i", "h")
    ledger.give_back("w", "i")
    clock.now += 9.9
    ledger.reported("w", "i", 1)
    assert ledger.load("w", "i") == 0


def test_after_two_heartbeats_a_report_cannot_have_seen_it(ledger, clock):
    ledger.take("w", "i", "h")
    ledger.give_back("w", "i")
    clock.now += 10.1
    ledger.reported("w", "i", 1)
    assert ledger.load("w", "i") == 1


def test_the_turns_say_who_was_used_last(ledger):
    ledger.take("w1", "i", "h1")
    ledger.take("w2", "i", "h2")
    ledger.take("w1", "i", "h1")
    assert [ledger.last_used(w, "i") for w in ("w1", "w2", "w3")] == [3, 2, 0]
    assert [ledger.hive_last_used(h) for h in ("h1", "h2", "h3")] == [3, 2, 0]
    ledger.forget_hive("h1")
    assert ledger.hive_last_used("h1") == 0


def test_a_forgotten_worker_keeps_its_running_requests_until_they_end(ledger):
    ledger.take("w", "i", "h")
    ledger.forget("w", "i")
    assert ledger.own("w", "i") == 1
    ledger.give_back("w", "i")
    assert ledger._usage == {}
    ledger.forget("w", "i")


@given(st.lists(st.tuples(st.sampled_from(["take", "give", "wait", "report"]), st.integers(0, 6)), max_size=60))
def test_foreign_load_is_what_is_reported_beyond_the_peak_of_the_window(steps):
    """Against a model that remembers every level of the last two heartbeats."""
    clock = Clock()
    ledger = SlotLedger(heartbeat_s=5, clock=clock)
    held = 0
    left: list[tuple[float, int]] = []  # (moment, level that was left)
    for what, number in steps:
        if what == "take":
            ledger.take("w", "i", "h")
            held += 1
        elif what == "give" and held:
            left.append((clock.now, held))
            held -= 1
            ledger.give_back("w", "i")
        elif what == "wait":
            clock.now += number
        elif what == "report":
            ledger.reported("w", "i", number)
            peak = max([held] + [level for at, level in left if at >= clock.now - 10])
            assert ledger.load("w", "i") == held + max(0, number - peak)
        assert ledger.own("w", "i") == held


def test_cool_down_ends_by_time_or_by_success(clock):
    cooldowns = Cooldowns(2.0, clock)
    key = ("w", "i")
    assert cooldowns.mark(key)
    assert not cooldowns.mark(key)
    assert cooldowns.is_down(key)
    assert not cooldowns.is_down(("w", "successor"))
    clock.now += 2.0
    assert not cooldowns.is_down(key)
    assert cooldowns.mark(key)
    assert cooldowns.clear(key)
    assert not cooldowns.clear(key)
    assert not cooldowns.is_down(key)


def test_a_mark_is_renewed_by_each_refusal(clock):
    cooldowns = Cooldowns(2.0, clock)
    cooldowns.mark(("w", "i"))
    clock.now += 1.5
    cooldowns.mark(("w", "i"))
    clock.now += 1.5
    assert cooldowns.is_down(("w", "i"))
