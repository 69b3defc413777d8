"""The ledger of a device: pure bookings by a table, and the file under many hands, dead ones too."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.common import ledger as ledger_module
from daemons.common.ledger import DeviceFullError, Holder, Ledger, LedgerError, claimed, with_holder
from daemons.common.process import start_ticks


def holder(instance: str, *, held: int = 0, reserved: int = 0, pid: int | None = None) -> Holder:
    pid = os.getpid() if pid is None else pid
    return Holder(instance, f"worker-{instance}", pid, start_ticks(pid) or 0, reserved, held)


@pytest.mark.parametrize(
    ("before", "wanted", "available"),
    [
        ([], {"held": 100}, None),
        ([], {"held": 101}, 100),
        ([{"instance": "b", "held": 60}], {"held": 40}, None),
        ([{"instance": "b", "held": 60}], {"held": 41}, 40),
        ([{"instance": "b", "reserved": 60}], {"held": 41}, 40),
        ([{"instance": "b", "reserved": 60, "held": 20}], {"reserved": 41}, 40),
        ([{"instance": "a", "reserved": 60}], {"held": 60}, None),  # its own promise does not stand against it
        ([{"instance": "a", "held": 90}], {"held": 10}, None),
        ([{"instance": "b", "held": 130}], {"held": 1}, 0),  # somebody has overbooked: nothing is left, not less
        ([{"instance": "a", "held": 70}, {"instance": "b", "held": 130}], {"held": 70}, None),  # no more than before
    ],
)
def test_who_gets_what(before, wanted, available):
    holders = [holder(**each) for each in before]
    if available is None:
        after = with_holder(holders, holder("a", **wanted), 100)
        assert sum(each.instance == "a" for each in after) == 1
    else:
        with pytest.raises(DeviceFullError) as caught:
            with_holder(holders, holder("a", **wanted), 100)
        assert caught.value.available_bytes == available


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 120), st.integers(0, 120)), max_size=30))
def test_what_is_booked_never_exceeds_the_device(wishes):
    holders: list[Holder] = []
    for instance, reserved, held in wishes:
        try:
            holders = with_holder(holders, Holder(instance, instance, 1, 1, reserved, held), 100)
        except DeviceFullError as full:
            assert full.available_bytes < full.needed_bytes
    assert claimed(holders) <= 100


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    return Ledger(tmp_path / "deep" / "gpu0.ledger", 100)


def test_a_booking_comes_and_goes(ledger):
    assert ledger.holders() == []
    ledger.put(holder("a", reserved=30))
    ledger.put(holder("a", reserved=30, held=50))
    assert [each.claim_bytes for each in ledger.holders()] == [50]
    ledger.hand_over("a", os.getppid(), start_ticks(os.getppid()) or 0)
    assert ledger.holders()[0].pid == os.getppid()
    ledger.release("a")
    ledger.release("a")
    assert ledger.holders() == []


def test_what_a_dead_process_had_is_free(ledger):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ledger.put(holder("dead", held=100, pid=child.pid))
    with pytest.raises(DeviceFullError):
        ledger.put(holder("a", held=1))
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie holds nothing either
    assert ledger.holders() == []
    ledger.put(holder("a", held=100))
    assert [each.instance for each in ledger.holders()] == ["a"]
    child.communicate()


def test_a_pid_that_was_given_again_holds_nothing(ledger):
    ledger.put(replace(holder("stranger", held=100), start_ticks=1))
    assert ledger.holders() == []


def test_another_boot_is_forgotten(ledger):
    ledger.put(holder("a", held=10))
    content = json.loads(ledger.path.read_text())
    ledger.path.write_text(json.dumps(content | {"boot_id": "another"}))
    assert ledger.holders() == []


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"boot_id": 1}', "no json"])
def test_what_is_no_ledger_is_not_overwritten(ledger, content):
    ledger.path.parent.mkdir()
    ledger.path.write_text(content)
    with pytest.raises(LedgerError, match=r"gpu0\.ledger"):
        ledger.put(holder("a", held=1))
    assert ledger.path.read_text() == content


def test_a_lock_that_is_never_given_back_is_an_error_and_no_hang(ledger, monkeypatch):
    monkeypatch.setattr(ledger_module, "LOCK_BOUND_S", 0.05)
    ledger.path.parent.mkdir()
    with ledger.path.with_name("gpu0.ledger.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LedgerError, match="locked by a process that does not release it"):
            ledger.put(holder("a", held=1))
        assert ledger.holders() == [], "reading takes no lock"


GREEDY = """
import os, random, sys
from pathlib import Path
from daemons.common.ledger import DeviceFullError, Holder, Ledger
from daemons.common.process import start_ticks
ledger, held, most = Ledger(Path(sys.argv[1]), 100), 0, 0
me = os.getpid()
for _ in range(150):
    try:
        ledger.put(Holder(str(me), "w", me, start_ticks(me), 0, held + 7))
        held += 7
    except DeviceFullError:
        held = 0
        ledger.put(Holder(str(me), "w", me, start_ticks(me), 0, 0))
    total = sum(each.claim_bytes for each in ledger.holders())
    most = max(most, total)
print(most)
"""


def test_many_processes_at_once_and_one_that_is_killed(ledger):
    argv = [sys.executable, "-c", GREEDY, str(ledger.path)]
    children = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    children[0].send_signal(signal.SIGKILL)
    most = [int(child.communicate(timeout=30)[0] or 0) for child in children]
    assert max(most) <= 100
    assert max(most) > 50, "they never came near to each other"
    assert ledger.holders() == []
    json.loads(ledger.path.read_text())
