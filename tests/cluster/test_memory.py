"""A device taken by another program, and the watch over the bookings of a device."""

from __future__ import annotations

import pytest

from beehave.faults.base import FaultError
from cluster.memory.device_taken import DeviceTaken
from cluster.memory.ledger_file import LedgerFile, LedgerWatch
from cluster.memory.view import highest_claim, steps_of, was_free_between
from tests.waiting import until


@pytest.fixture
def ledger(tmp_path, journal) -> LedgerFile:
    return LedgerFile(journal, tmp_path / "gpu0.ledger", 100)


def test_a_device_is_taken_and_given_back(ledger):
    fault = DeviceTaken(ledger, 60)
    assert fault.available() is None
    fault.inject()
    fault.verify()
    assert ledger.held_by_worker() == {"another-program": 60}
    fault.heal()
    fault.heal()
    assert ledger.bookings() == []
    with pytest.raises(FaultError):
        fault.verify()


def test_a_device_that_was_not_taken_does_not_verify(ledger):
    with pytest.raises(FaultError):
        DeviceTaken(ledger, 60).verify()


def test_a_watch_sees_each_change(ledger, journal):
    watch = LedgerWatch(ledger)
    try:
        until(lambda: watch.samples, "a first sample")
        for size in (10, 30):
            booking = ledger.take(size)
            until(lambda size=size: watch.samples[-1].claimed_bytes == size, "it is taken")
            ledger.give_back(booking)
            until(lambda: watch.samples[-1].claimed_bytes == 0, "it is given back")
    finally:
        watch.close()
    samples = watch.observed(journal)
    assert [sample.claimed_bytes for sample in samples] == [0, 10, 0, 30, 0]
    assert (highest_claim(samples), steps_of(samples, "another-program")) == (30, [10, 30])
    assert steps_of(samples, "nobody") == []
    assert was_free_between([*samples, *samples], "another-program", 30)
    assert not was_free_between(samples, "another-program", 30)
    assert not was_free_between(samples, "nobody", 30)
