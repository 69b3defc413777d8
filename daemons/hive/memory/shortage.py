"""Too little memory: the error that says so before a process starts, and the proof that a process ended of it.

A worker that ended by SIGKILL may have been killed by anyone, so the hive calls it out of memory only on a record that
was made when it happened: its own watchdog's, the kernel's counter of the worker's control group, or the worker's own
word about its device. Pure.
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

OWN_WORD: Final = "out_of_memory"
"""The event of the log line by which a worker says that its device has too little memory (docs/contract.md)."""


class By(StrEnum):
    """Who found out: the closed list of the metric `hive_out_of_memory_total{by}`."""

    ADMISSION = "admission"
    """The hive, before a process was started."""
    DEVICE = "device"
    CGROUP = "cgroup"
    WATCHDOG = "watchdog"


class ShortError(ApiError):
    """507: it cannot fit."""

    def __init__(self, shortage: Shortage, message: str) -> None:
        super().__init__(ErrorCode.OUT_OF_MEMORY, message, details=shortage.model_dump(mode="json", exclude_none=True))
        self.shortage = shortage


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a process that has ended, and of its limits."""

    instance: str
    signal: int | None
    """None also when nobody can know (an adopted worker)."""
    exit_status: int | None
    limit_bytes: int | None
    needs: Needs | None
    watchdog_saw_bytes: int | None
    """What the watchdog measured when it killed this process; None: it did not."""
    group_kills: int
    """The out-of-memory kills that the kernel has counted in this process' own group."""
    log_lines: Iterable[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """That a process ended because memory was short."""

    by: By
    shortage: Shortage


def proof_of(evidence: Evidence) -> Proof | None:
    """The proof, or None when there is none: then the ending is a crash like any other."""
    seen = evidence.watchdog_saw_bytes
    if seen is not None:
        return Proof(By.WATCHDOG, _limit_passed(evidence, seen))
    unknown = evidence.signal is None and evidence.exit_status is None
    if evidence.group_kills and (unknown or evidence.signal == signal.SIGKILL):
        return Proof(By.CGROUP, _limit_passed(evidence, 0))
    said = _own_word(evidence)
    return Proof(By.DEVICE, said) if said is not None else None


def _limit_passed(evidence: Evidence, seen_bytes: int) -> Shortage:
    limit = evidence.limit_bytes or 0
    weights = evidence.needs.tensor_bytes if evidence.needs else 0
    return Shortage(of="memory_limit", needed_bytes=max(seen_bytes, weights, limit + 1), available_bytes=limit)


def _own_word(evidence: Evidence) -> Shortage | None:
    """What this very process has logged; the log may hold the words of those before it."""
    for line in evidence.log_lines:
        try:
            record = json.loads(line)
            if record["event"] != OWN_WORD or record["instance"] != evidence.instance:
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
