"""Waiting: it ends when the condition holds, when the bound passes, or when it has become impossible."""

from __future__ import annotations

import itertools
import time

import pytest

from beehave.conditions import always, eventually


def test_it_returns_what_was_seen_when_the_condition_held(journal):
    counter = itertools.count()
    assert eventually(journal, "three", lambda: next(counter), lambda seen: seen == 3, within_s=5) == 3
    assert journal.checks == 1


def test_the_bound_is_in_the_message_with_the_last_thing_seen(journal):
    with pytest.raises(AssertionError, match=r"four: not within 0.05 s\nlast seen: 7"):
        eventually(journal, "four", lambda: 7, lambda seen: seen == 4, within_s=0.05)
    assert journal.checks == 0


def test_it_looks_once_more_when_the_bound_has_passed(journal):
    def slow() -> str:
        time.sleep(0.05)
        return "late"

    assert eventually(journal, "late", slow, lambda seen: seen == "late", within_s=0.01) == "late"


def test_it_fails_early_when_waiting_is_in_vain(journal):
    started = time.monotonic()
    with pytest.raises(AssertionError, match="can no longer happen.*it is dead"):
        eventually(journal, "x", lambda: 0, bool, within_s=30, impossible=lambda: "it is dead")
    assert time.monotonic() - started < 5


def test_always_fails_at_the_first_exception(journal):
    looks = iter([1, 1, 0])
    with pytest.raises(AssertionError, match="one: no longer true"):
        always(journal, "one", lambda: next(looks), lambda seen: seen == 1, for_s=5)


def test_always_holds_for_its_time(journal):
    assert always(journal, "one", lambda: 1, lambda seen: seen == 1, for_s=0.05) == 1
    assert journal.checks == 1
