"""The pause: the process does nothing while it lasts, goes on after it, and a pause that does not bite is an error."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from beehave.conditions import eventually
from beehave.faults.base import FaultError, FaultStack
from beehave.faults.pause import Pause
from beehave.identity import Identity

COUNTING = """
import sys, time
while True:
    open(sys.argv[1], "a").write(".")
    time.sleep(0.01)
"""


@pytest.fixture
def counting(tmp_path, journal):
    path = tmp_path / "count"
    process = subprocess.Popen([sys.executable, "-c", COUNTING, str(path)])
    eventually(journal, "it counts", path.exists, bool, within_s=10)
    yield process, lambda: path.stat().st_size
    process.kill()
    process.wait()


def test_a_paused_process_does_nothing_and_goes_on_when_healed(journal, counting):
    process, count = counting
    pause = Pause(journal, "the counter", Identity.of(process.pid))
    faults = FaultStack(journal)
    faults.add(pause)
    before = count()
    time.sleep(0.2)
    assert count() == before
    faults.heal(pause)
    assert pause.seconds >= 0.2
    eventually(journal, "it goes on", count, lambda now: now > before, within_s=5)


def test_a_process_that_is_gone_cannot_be_paused_and_need_not_be_healed(journal, counting):
    process, _ = counting
    pause = Pause(journal, "the counter", Identity.of(process.pid))
    process.kill()
    process.wait()
    with pytest.raises(FaultError, match="is gone"):
        pause.inject()
    pause.heal()
