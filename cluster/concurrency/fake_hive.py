"""A client of the queen's lease route that sends any lease in any order: for races that no real hive causes.

Its leases carry one worker, whose `served_total` is the number of the lease, so that each look at the queen's registry
shows which lease it has.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from beehave.errors import HarnessError
from beehave.http import Answer
from beehave.identity import own_identity
from cluster.cluster import DEFAULT_MODEL, Cluster
from cluster.history import History

NAME = "hive-fake"
WORKER = "wrk-fake"
NODE = 150
"""Nothing listens at this node's address: the queen's probes of it fail, as they would across a cut."""
LOOK_INTERVAL_S = 0.002
"""Between two looks at the registry while leases arrive, at about one a millisecond."""


@dataclass(frozen=True)
class LeasesShown:
    """The lease that the queen showed at each look, in the order of the looks."""

    numbers: list[int]

    def __str__(self) -> str:
        """Return how many looks there were, and the ends."""
        return f"{len(self.numbers)} looks, from {self.numbers[:1]} to {self.numbers[-1:]}"


@dataclass(frozen=True)
class RowsAfterReturns:
    """How many rows of the fake hive's worker there were after each return from silence."""

    counts: list[int]


class FakeHive:
    """Leases as a hive with one worker."""

    def __init__(self, cluster: Cluster, history: History) -> None:
        self._cluster = cluster
        self._history = history
        self._instance = str(uuid.uuid4())
        self._version = ""
        self._sent = 0

    def begin(self) -> None:
        """Wait for the queen, and take its version for the hive's own."""
        self._cluster.wait_until_up("queen")
        self._version = str(self._cluster.queen.client.get("/health").expect(200).json["version"])

    def lease(self, number: int) -> Answer:
        """Send lease `number`, which is also its sequence.

        Raises:
            HarnessError: no step has begun the fake hive.
        """
        if not self._version:
            raise HarnessError("no step of this scenario began a fake hive")
        return self._cluster.queen.client.request("PUT", f"/v1/hives/{NAME}/lease", body=self._lease_body(number))

    def lease_in_random_order(self, count: int, *, at_once: int, seed: int) -> None:
        """Send leases 1 to `count`, shuffled, by `at_once` clients, while another looks at the registry."""
        order = list(range(1, count + 1))
        random.Random(seed).shuffle(order)  # noqa: S311 - a repeatable order, not a secret
        shown: list[int] = []
        with self._looking(shown), ThreadPoolExecutor(at_once) as clients:
            for answer in clients.map(self.lease, order):
                answer.expect(200)
        self._sent = count
        self._history.keep(LeasesShown(shown))

    def shown_now(self) -> int:
        """Return the number of the lease that the queen shows now."""
        return int(self._row()["served_total"])

    def fall_silent_and_return(self, times: int, *, seed: int) -> None:
        """Stop leasing until the queen removes the rows, and lease again around that moment, `times` times."""
        chance = random.Random(seed)  # noqa: S311 - a repeatable order, not a secret
        durations = self._cluster.durations
        stale_s = (durations.lease_ms + durations.orphan_grace_ms) / 1000
        counts = []
        for _ in range(times):
            self._sent += 1
            self.lease(self._sent).expect(200)
            silent_until = time.monotonic() + stale_s + chance.uniform(-0.05, 0.05)
            threading.Event().wait(silent_until - time.monotonic())
            self._sent += 1
            self.lease(self._sent).expect(200)
            counts.append(len(self._rows()))
        self._history.keep(RowsAfterReturns(counts))

    def rows_after_returns(self) -> list[int]:
        """Return how many rows there were after each return."""
        return self._history.kept(RowsAfterReturns, "let a fake hive stop leasing and return").counts

    def looks(self) -> list[int]:
        """Return what each look showed."""
        return self._history.kept(LeasesShown, "let a fake hive send leases in a random order").numbers

    @contextmanager
    def _looking(self, shown: list[int]) -> Iterator[None]:
        done = threading.Event()

        def look() -> None:
            while not done.wait(LOOK_INTERVAL_S):
                shown.extend(row["served_total"] for row in self._rows())

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(5)

    def _rows(self) -> list[dict[str, Any]]:
        rows = self._cluster.queen.client.get("/v1/workers").expect(200).json["workers"]
        return [row for row in rows if row["hive_id"] == NAME]

    def _row(self) -> dict[str, Any]:
        rows = self._rows()
        if len(rows) != 1:
            raise HarnessError(f"expected one row of the fake hive's worker: {rows}")
        return rows[0]

    def _lease_body(self, number: int) -> dict[str, Any]:
        me = own_identity()
        worker = {
            "id": WORKER,
            "instance": self._instance,
            "state": "ready",
            "model": DEFAULT_MODEL,
            "pid": os.getpid(),
            "start_ticks": me.start_ticks,
            "port": 1,
            "slots_total": 1,
            "slots_busy": 0,
            "served_total": number,
        }
        return {
            "instance": self._instance,
            "sequence": number,
            "url": self._cluster.addresses.hive(NODE).url,
            "version": self._version,
            "pid": me.pid,
            "start_ticks": me.start_ticks,
            "state": "ready",
            "workers": [worker],
            "models": [],
            "resources": {"cpus": 1, "memory_total_bytes": 1, "memory_available_bytes": 1},
        }
