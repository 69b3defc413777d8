"""What a new hive decides about the rows of an earlier one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.hive.workers.adoption import Decision, ProcessSeen, Seen, StoredRow, judge

MINE, OTHER = "instance-of-the-row", "another-instance"
RAN = StoredRow(instance=MINE, resting=False, stopping=False)
STOPPING = StoredRow(instance=MINE, resting=False, stopping=True)
NEVER_RAN = StoredRow(instance=None, resting=False, stopping=False)


@pytest.mark.parametrize(
    ("row", "seen", "expected"),
    [
        (StoredRow(None, resting=True, stopping=False), Seen(ProcessSeen.NOT_RECORDED), Decision.RESTORE),
        (NEVER_RAN, Seen(ProcessSeen.NOT_RECORDED), Decision.START),
        (StoredRow(None, resting=False, stopping=True), Seen(ProcessSeen.NOT_RECORDED), Decision.REMOVE),
        # Alive, by PID and start time: the instance decides.
        (RAN, Seen(ProcessSeen.SAME, MINE), Decision.ADOPT),
        (STOPPING, Seen(ProcessSeen.SAME, MINE), Decision.ADOPT),
        (RAN, Seen(ProcessSeen.SAME), Decision.AWAIT_PROOF),
        (RAN, Seen(ProcessSeen.SAME, OTHER), Decision.AWAIT_PROOF),
        # Mute to the end: killed only when its command line names our file as well.
        (RAN, Seen(ProcessSeen.SAME, runs_our_command=True, waited=True), Decision.KILL),
        (RAN, Seen(ProcessSeen.SAME, waited=True), Decision.CRASHED),
        (RAN, Seen(ProcessSeen.SAME, OTHER, waited=True), Decision.CRASHED),
        (STOPPING, Seen(ProcessSeen.SAME, waited=True), Decision.REMOVE),
        # Gone, or another process has its PID.
        (RAN, Seen(ProcessSeen.GONE), Decision.CRASHED),
        (RAN, Seen(ProcessSeen.GONE, MINE), Decision.CRASHED),
        (STOPPING, Seen(ProcessSeen.GONE), Decision.REMOVE),
        # The hive died between the spawn and the second write of the row.
        (RAN, Seen(ProcessSeen.NOT_RECORDED), Decision.AWAIT_PROOF),
        (RAN, Seen(ProcessSeen.NOT_RECORDED, MINE), Decision.ADOPT),
        (RAN, Seen(ProcessSeen.NOT_RECORDED, OTHER, waited=True), Decision.CRASHED),
    ],
)
def test_judgement(row, seen, expected):
    assert judge(row, seen) is expected


rows = st.builds(StoredRow, instance=st.sampled_from([None, MINE]), resting=st.booleans(), stopping=st.booleans())
sights = st.builds(
    Seen,
    process=st.sampled_from(ProcessSeen),
    proved_instance=st.sampled_from([None, MINE, OTHER]),
    runs_our_command=st.booleans(),
    waited=st.booleans(),
)


@given(row=rows, seen=sights)
def test_only_a_proved_instance_is_adopted_and_only_our_own_process_is_killed(row, seen):
    verdict = judge(row, seen)
    if verdict is Decision.ADOPT:
        assert row.instance == seen.proved_instance == MINE
        assert seen.process is not ProcessSeen.GONE
    if verdict is Decision.KILL:
        assert seen.process is ProcessSeen.SAME
        assert seen.runs_our_command
        assert seen.waited


@given(row=rows, seen=sights)
def test_waiting_ends(row, seen):
    if seen.waited:
        assert judge(row, seen) is not Decision.AWAIT_PROOF
