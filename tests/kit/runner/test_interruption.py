"""Signals: broken into a step, remembered during a cleanup, translated into an exit code."""

from __future__ import annotations

import signal

import pytest

from beehave.runner.interruption import Interruption


@pytest.fixture
def interruption():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    before = {number: signal.getsignal(number) for number in numbers}
    interruption = Interruption()
    interruption.install()
    yield interruption
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_breaks_into_a_step(interruption, number):
    with pytest.raises(KeyboardInterrupt, match=number.name), interruption.may_break_in():
        signal.raise_signal(number)
    assert interruption.exit_code == 128 + number


def test_a_signal_in_a_cleanup_is_remembered_until_the_next_step(interruption):
    completed = False
    with interruption.may_break_in(allowed=False):
        signal.raise_signal(signal.SIGTERM)
        completed = True
    assert completed
    assert interruption.reason == "SIGTERM received"
    entered = False
    with pytest.raises(KeyboardInterrupt), interruption.may_break_in():
        entered = True
    assert not entered


def test_a_signal_between_steps_is_remembered(interruption):
    signal.raise_signal(signal.SIGHUP)
    assert interruption.number is signal.SIGHUP


def test_a_cleanup_inside_a_step_is_shielded_and_the_step_is_open_again_after_it(interruption):
    def step():
        with interruption.may_break_in():
            with interruption.may_break_in(allowed=False):
                pass
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        step()


def test_only_the_first_signal_counts(interruption):
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGTERM)
    assert interruption.exit_code == 129


def test_closed_output_ends_a_run_like_a_signal(interruption):
    assert interruption.exit_code is None
    interruption.request(signal.SIGPIPE)
    assert interruption.exit_code == 141
    assert interruption.reason == "standard output was closed"


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    others = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)}
    try:
        Interruption().install()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
        for number, handler in others.items():
            signal.signal(number, handler)
