"""A signal to one process: what each does, and that one which was not sent is not believed."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from beehave.faults.base import FaultError, FaultStack
from beehave.faults.signal_sent import SignalSent
from beehave.identity import Identity
from beehave.journal import read

SAYS_WHAT_COMES = """
import signal, sys
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: print(signal.Signals(number).name, flush=True))
print("here", flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def process():
    with subprocess.Popen([sys.executable, "-c", SAYS_WHAT_COMES], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout.readline() == "here\n"
        yield started
        started.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_that_is_handled_arrives_and_ends_nobody(journal, process, number):
    sent = SignalSent(journal, "sleeper", "it", Identity.of(process.pid), number, why="to see it arrive")
    FaultStack(journal).add(sent)
    assert process.stdout.readline() == f"{number.name}\n"
    assert process.poll() is None


def test_a_killed_process_is_dead_when_that_is_verified(journal, process):
    identity = Identity.of(process.pid)
    faults = FaultStack(journal)
    faults.add(SignalSent(journal, "sleeper", "it", identity, signal.SIGKILL, why="to see it die"))
    assert not identity.alive()
    assert faults.heal_all() == []
    (told,) = [event for event in read(journal.path) if event["kind"] == "signal"]
    assert (told["signal"], told["pid"], told["why"]) == ("SIGKILL", process.pid, "to see it die")


def test_a_process_that_outlives_its_killing_does_not_verify(journal, process, monkeypatch):
    monkeypatch.setattr("beehave.faults.signal_sent.KILL_BOUND_S", 0.1)
    fault = SignalSent(journal, "sleeper", "it", Identity.of(process.pid), signal.SIGKILL, why="never")
    fault._sent = True
    with pytest.raises(FaultError, match="is dead: not within"):
        fault.verify()


def test_a_process_that_is_gone_cannot_be_signalled(journal, process):
    identity = Identity.of(process.pid)
    process.kill()
    process.wait()
    with pytest.raises(FaultError, match="it is gone"):
        SignalSent(journal, "sleeper", "it", identity, signal.SIGTERM, why="too late").inject()
