"""Decisions about memory: which device, what proves insufficient memory, how control group files are read."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.common.exits import FatalError
from daemons.common.model_needs import Needs
from daemons.common.wire import Shortage
from daemons.hive.memory.devices import Load, order
from daemons.hive.memory.groups import (
    V1,
    V2,
    MemoryGroup,
    MemoryGroups,
    find_groups,
    memory_groups,
    oom_kills,
    required,
)
from daemons.hive.memory.insufficient_memory import By, Evidence, proof_of
from daemons.hive.memory.watchdog import resident_bytes, watch

HERE = find_groups(None, "test")
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("loads", "needed", "chosen"),
    [
        ([("a", 10, 0), ("b", 10, 0)], 1, ["a", "b"]),
        ([("a", 10, 5), ("b", 10, 4)], 1, ["b", "a"]),
        ([("a", 100, 50), ("b", 10, 4)], 1, ["b", "a"]),  # by share, not by bytes
        ([("a", 10, 1), ("b", 10, 4)], 7, ["a"]),
        ([("a", 10, 1), ("b", 10, 4)], 10, []),
        ([("a", 10, 15)], 0, ["a"]),
        ([], 0, []),
    ],
)
def test_the_least_loaded_device_that_has_room(loads, needed, chosen):
    assert order([Load(*load) for load in loads], needed) == chosen


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(0, 99)), max_size=8), st.integers(1, 99))
def test_no_device_is_chosen_that_has_not_the_room(sizes, needed):
    loads = {f"gpu{number}": Load(f"gpu{number}", *size) for number, size in enumerate(sizes)}
    for name in order(loads.values(), needed):
        assert loads[name].claimed_bytes + needed <= loads[name].memory_bytes


def evidence(**known: object) -> Evidence:
    nothing = {
        "instance": "i-1",
        "signal": None,
        "exit_status": None,
        "limit_bytes": 100,
        "needs": Needs(10, 200, 200),
        "watchdog_saw_bytes": None,
        "group_kills": 0,
        "log_lines": [],
    }
    return Evidence(**(nothing | known))  # type: ignore[arg-type]


def word(instance: str = "i-1", **more: object) -> str:
    return json.dumps(
        {"event": "out_of_memory", "instance": instance, "device": "gpu0", "needed_bytes": 8, "available_bytes": 4}
        | more
    )


@pytest.mark.parametrize(
    ("known", "by"),
    [
        ({"signal": 9}, None),  # anybody may have sent it
        ({"signal": 9, "group_kills": 1}, By.CGROUP),
        ({"group_kills": 1}, By.CGROUP),  # an adopted worker: its exit status is unknown
        ({"signal": 15, "group_kills": 1}, None),  # the kernel has killed a child of it, not it
        ({"exit_status": 0, "group_kills": 1}, None),
        ({"signal": 9, "watchdog_saw_bytes": 150}, By.WATCHDOG),
        ({"exit_status": 7}, None),  # a status without a word: another program's own meaning of 7
        ({"exit_status": 7, "log_lines": [word()]}, By.DEVICE),
        ({"log_lines": ["up", word()]}, By.DEVICE),
        ({"exit_status": 7, "log_lines": [word("i-0")]}, None),  # what an earlier process has said
        ({"exit_status": 7, "log_lines": [word(needed_bytes="many")]}, None),
        ({"exit_status": 1, "log_lines": ["Traceback", "{", "[]", '{"event": "stopped"}']}, None),
    ],
)
def test_only_a_record_of_it_proves_that_memory_was_short(known, by):
    proof = proof_of(evidence(**known))
    assert (proof.by if proof else None) == by


@pytest.mark.parametrize(
    ("known", "needed"),
    [
        ({"watchdog_saw_bytes": 150}, 200),  # its weights alone are more than was seen
        ({"watchdog_saw_bytes": 250}, 250),
        ({"group_kills": 1, "needs": None}, 101),  # more than the limit is all that is known
    ],
)
def test_what_is_said_to_be_needed_is_always_more_than_there_was(known, needed):
    proof = proof_of(evidence(**known))
    assert proof is not None
    assert proof.shortage == Shortage(of="memory_limit", needed_bytes=needed, available_bytes=100)


OWN = ["5:memory:/a/b", "4:cpu,cpuacct:/", "0::/user/1"]
V1_MOUNT = "30 20 0:1 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
V2_MOUNT = "31 20 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw"


@pytest.mark.parametrize(
    ("own", "mounts", "found"),
    [
        (OWN, [V1_MOUNT], ["/sys/fs/cgroup/memory/a/b"]),
        (OWN, [V1_MOUNT, V2_MOUNT], ["/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/unified/user/1"]),
        (["0::/user/1"], [V2_MOUNT], ["/sys/fs/cgroup/unified/user/1"]),
        (OWN, ["30 20 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu"], []),
        (["5:memory:/docker/x"], ["30 20 0:1 /docker/x /mnt rw - cgroup cgroup rw,memory"], ["/mnt"]),
        (["5:memory:/docker/x/y"], ["30 20 0:1 /docker/x /mnt rw - cgroup cgroup rw,memory"], ["/mnt/y"]),
        ([], [], []),
    ],
)
def test_where_this_process_has_its_groups(own, mounts, found):
    assert [str(path) for path in memory_groups(own, mounts)] == found


@pytest.mark.parametrize(
    ("text", "kills"),
    [
        ("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", 3),  # version 1, memory.oom_control
        ("low 0\nhigh 0\nmax 5\noom 2\noom_kill 1\noom_group_kill 0\n", 1),  # version 2, memory.events
        ("oom_kill_disable 0\nunder_oom 1\n", 0),  # a kernel before 4.13 does not count
        ("", 0),
        ("oom_kill\n", 0),
    ],
)
def test_the_counter_of_both_versions(text, kills):
    assert oom_kills(text) == kills


@pytest.mark.parametrize(("interface", "swap"), [(V1, "50"), (V2, "0")])
def test_a_group_is_limited_by_its_files(tmp_path, interface, swap):
    made = tmp_path / "h.i-1"
    made.mkdir()  # the kernel would put the files there with the folder
    for name in (interface.limit, interface.swap_limit):
        (made / name).touch()
    (made / interface.counter).write_text("oom_kill 2\n")
    group = MemoryGroups(tmp_path, interface, "h").make("i-1", 50)
    assert (made / interface.limit).read_text() == "50"
    assert (made / interface.swap_limit).read_text() == swap
    assert (group.kills(), group.limit_bytes()) == (2, 50)
    assert group.command(["w", "--x"])[-3:] == [str(made), "w", "--x"]
    assert not group.remove(), "a group that is not empty stays"


def test_groups_of_workers_that_nobody_knows_are_removed(tmp_path):
    for name in ("h.known", "h.unknown", "other.unknown"):
        (tmp_path / name).mkdir()
    groups = MemoryGroups(tmp_path, V2, "h")
    groups.remove_all_but({"known"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["h.known", "other.unknown"]
    assert groups.find("known") is not None
    assert groups.find("unknown") is None
    assert MemoryGroup(tmp_path / "absent", V2).remove()


def test_a_folder_that_is_no_control_group_is_refused_with_the_reason(tmp_path):
    found = find_groups(tmp_path / "groups", "h")
    assert isinstance(found, str)
    assert "has no memory limit" in found
    with pytest.raises(FatalError, match="Choose auto or watchdog"):
        required(found)
    assert list((tmp_path / "groups").iterdir()) == []


@pytest.mark.skipif(isinstance(HERE, str), reason=str(HERE))
def test_the_kernel_kills_in_a_real_group_and_counts_it():
    assert isinstance(HERE, MemoryGroups)
    group = HERE.make(f"unit-{os.getpid()}", 32 * MIB)
    try:
        hungry = [sys.executable, "-c", "import sys; bytearray(b'1') * (int(sys.argv[1]) << 20)"]
        assert subprocess.run(group.command([*hungry, "1"]), check=False).returncode == 0
        assert group.kills() == 0
        assert subprocess.run(group.command([*hungry, "64"]), check=False).returncode == -9
        assert group.kills() == 1
    finally:
        assert group.remove()


def test_the_watchdog_tells_once_when_the_limit_is_passed():
    seen = iter([10, None, 100, 101, 500])
    measured: list[int] = []
    asyncio.run(watch(1, 100, 1, measured.append, lambda _pid: next(seen)))
    assert measured == [101]


def test_the_watchdog_measures_this_very_process():
    before = resident_bytes(os.getpid())
    hold = bytearray(b"1") * (64 * MIB)
    after = resident_bytes(os.getpid())
    assert before is not None
    assert after is not None
    assert after - before > 32 * MIB
    assert len(hold) == 64 * MIB
    assert resident_bytes(2**22 + 1) is None
