"""Insufficient memory: the error before a process starts, and the proof that a process ended for lack of it.

Anyone may have sent the SIGKILL that ended a worker, so the hive reports out of memory only on a record that was made
when it happened: its own watchdog's, the kernel's counter of the worker's control group, or the worker's own log line
about its device. Pure.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.model_needs import Needs
from daemons.common.wire import Shortage

OUT_OF_MEMORY_EVENT: Final = "out_of_memory"
"""The event of the log line that a worker writes when its device has too little memory (docs/contract.md)."""


class By(StrEnum):
    """What detected it: the closed list of the metric `hive_out_of_memory_total{by}`."""

    ADMISSION = "admission"
    """The hive, before a process was started."""
    DEVICE = "device"
    CGROUP = "cgroup"
    WATCHDOG = "watchdog"


class InsufficientMemoryError(ApiError):
    """507: not enough memory."""

    def __init__(self, shortage: Shortage, message: str) -> None:
        super().__init__(ErrorCode.OUT_OF_MEMORY, message, details=shortage.model_dump(mode="json", exclude_none=True))
        self.shortage = shortage


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an ended process and its limits."""

    instance: str
    signal: int | None
    """None also when it cannot be known (an adopted worker)."""
    exit_status: int | None
    limit_bytes: int | None
    needs: Needs | None
    watchdog_saw_bytes: int | None
    """What the watchdog measured when it killed this process; None when it did not."""
    group_kills: int
    """The out-of-memory kills that the kernel counted in this process's own group."""
    log_lines: Iterable[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """Proof that a process ended for lack of memory."""

    by: By
    shortage: Shortage


def proof_of(evidence: Evidence) -> Proof | None:
    """Return the proof, or None: then the ending is a crash like any other."""
    seen = evidence.watchdog_saw_bytes
    if seen is not None:
        return Proof(By.WATCHDOG, _limit_passed(evidence, seen))
    unknown = evidence.signal is None and evidence.exit_status is None
    if evidence.group_kills and (unknown or evidence.signal == signal.SIGKILL):
        return Proof(By.CGROUP, _limit_passed(evidence, 0))
    reported = _own_report(evidence)
    return Proof(By.DEVICE, reported) if reported is not None else None


def _limit_passed(evidence: Evidence, seen_bytes: int) -> Shortage:
    limit = evidence.limit_bytes or 0
    weights = evidence.needs.tensor_bytes if evidence.needs else 0
    return Shortage(of="memory_limit", needed_bytes=max(seen_bytes, weights, limit + 1), available_bytes=limit)


def _own_report(evidence: Evidence) -> Shortage | None:
    """Return what this very process has logged; the log also holds the lines of the processes before it."""
    for line in evidence.log_lines:
        try:
            record = json.loads(line)
            if record["event"] != OUT_OF_MEMORY_EVENT or record["instance"] != evidence.instance:
                continue
            return Shortage(
                of="device",
                device=record["device"],
                needed_bytes=record["needed_bytes"],
                available_bytes=record["available_bytes"],
            )
        except (ValueError, KeyError, TypeError):  # a traceback's line, or another program's log
            continue
    return None
