"""docs/contract.md against the daemons: every name in its tables exists, and every name of theirs is in a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from daemons.common.config import DaemonConfig, known_keys
from daemons.common.durations import Durations
from daemons.common.errors import ErrorCode
from daemons.common.exits import ExitStatus
from daemons.common.wire import HiveState, RestartPolicy, WorkerState
from daemons.hive.config import Device, HiveConfig
from daemons.hive.states import Reason
from daemons.queen.changes import Kind
from daemons.queen.config import QueenConfig
from daemons.queen.leases import StateReason
from daemons.queen.routing import Blocked
from daemons.worker.config import WorkerConfig

PAGE = Path(__file__).parents[1] / "docs" / "contract.md"


def table(name: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this name, row by row."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    assert any(line.startswith(f"| {name} |") for line in lines), f"contract.md has no table of {name}"
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" |")])
    return rows[1:]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_error_codes_and_their_statuses():
    documented = {name: int(row[1]) for row in table("code") for name in code(row[0])}
    assert documented == {str(each): each.status for each in ErrorCode}


def test_durations_and_their_defaults():
    documented = {name: int(row[1]) for row in table("duration") for name in code(row[0])}
    assert documented == Durations().model_dump()


def test_event_kinds():
    assert sorted(name for row in table("event") for name in code(row[0])) == sorted(Kind)


def test_exit_statuses():
    documented = [row[0] for row in table("exit status")]
    assert documented == [*(str(int(each)) for each in ExitStatus), "128+N"]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("worker state", WorkerState),
        ("worker reason", Reason),
        ("restart policy", RestartPolicy),
        ("blocked", Blocked),
        ("hive state", HiveState),
        ("hive reason", StateReason),
    ],
)
def test_closed_lists(field: str, values: type[StrEnum]):
    documented = {row[0]: code(row[1]) for row in table("field")}
    assert sorted(documented[field]) == sorted(values)


@pytest.mark.parametrize(
    ("role", "config"), [("queen", QueenConfig), ("hive", HiveConfig), ("worker (written by its hive)", WorkerConfig)]
)
def test_configuration_keys(role: str, config: type[DaemonConfig]):
    rows = {row[0]: row[1] for row in table("configuration")}
    documented = {key for cell in (rows["all"], rows[role]) for key in documented_keys(cell)}
    known = {key for key in known_keys(config) if not key.startswith("durations.")} - {"devices"}
    if config is HiveConfig:
        known |= {f"devices.{key}" for key in known_keys(Device)}
    assert documented == known


def documented_keys(cell: str) -> Iterator[str]:
    """Yield the dotted keys of a cell: `` `[listen] host, port` `` has `listen.host` and `listen.port`."""
    for text in code(cell):
        section, keys = re.fullmatch(r"(?:\[+(\w+)\]+ ?)?(.*)", text).groups()
        yield from (f"{section}.{key}" if section else key for key in keys.split(", ") if key)
