"""Builders of what hives say, and a clock that a test turns."""

from __future__ import annotations

import pytest

from daemons.common.wire import Departure, HiveLease, WorkerRow


class Say:
    """Short ways to write a hive's words."""

    @staticmethod
    def row(worker_id="w1", instance="i1", state="ready", model="tiny:1b", **more) -> WorkerRow:
        fields = {"slots_total": 2, "pid": 7} | more
        return WorkerRow(id=worker_id, instance=instance, state=state, model=model, **fields)

    @staticmethod
    def gone(worker_id="w1", instance="i1", **more) -> Departure:
        return Departure(id=worker_id, instance=instance, **({"pid": 7, "reason": "stopped"} | more))

    @staticmethod
    def lease(*workers, instance="hive-i1", sequence=1, departed=(), models=(), **more) -> HiveLease:
        fields = {"url": "http://127.1.1.1:9200", "version": "0.1.0", "pid": 42, "start_ticks": 1, "state": "ready"}
        fields["resources"] = {"cpus": 2, "memory_total_bytes": 2, "memory_available_bytes": 1}
        fields["models"] = [{"ref": ref, "size_bytes": 3, "sha256": "ab"} for ref in models]
        parts = {"workers": list(workers), "departed": list(departed)}
        return HiveLease(instance=instance, sequence=sequence, **(fields | parts | more))


@pytest.fixture
def say():
    return Say


class FakeClock:
    """Monotonic seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def anyio_backend():
    return "asyncio"
