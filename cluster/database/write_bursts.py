"""Killing a hive in the middle of its writes, again and again, and looking at what each killing left on disk."""

from __future__ import annotations

import hashlib
import random
import signal
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from beehave.at_once import all_at_once
from beehave.errors import HarnessError
from beehave.faults.database import what_sqlite_says
from beehave.http import Client
from cluster.cluster import FILLER_MODELS, Cluster
from cluster.model_files import file_name

CLIENTS = 4
MODELS_EACH = 6
"""Each client pulls and removes models of its own, so that one of them never waits for another."""
LONGEST_BURST_S = 0.25
"""Until the killing at the latest: several pulls and removals of each client."""


@dataclass
class BurstReport:
    """What the killings left."""

    seed: int
    broken: list[str] = field(default_factory=list)
    """A sentence for everything that was not whole, with the number of its burst."""
    rows: list[int] = field(default_factory=list)
    """How many rows each killing left in the file."""
    log_bytes: list[int] = field(default_factory=list)
    """How much of the database was still in the write-ahead log when the hive was killed."""


def kill_in_bursts(cluster: Cluster, hive: str, *, kills: int, seed: int) -> BurstReport:
    """Let clients pull and remove models, SIGKILL the hive in the middle, look at its file, start it again.

    The clients' orders and the moments of the killings follow from the seed.

    Raises:
        HarnessError: no killing hit a write, or nothing was there to be hit: that would show nothing.
    """
    chance = random.Random(seed)  # noqa: S311 - a repeatable order, not a secret
    report = BurstReport(seed)
    path = cluster.catalog_path(hive)
    for number in range(1, kills + 1):
        _burst(cluster, hive, seed=chance.getrandbits(32), for_s=chance.uniform(0.01, LONGEST_BURST_S))
        log = path.with_name(f"{path.name}-wal")
        report.log_bytes.append(log.stat().st_size if log.exists() else 0)
        found, rows = torn_rows(path)
        report.rows.append(rows)
        report.broken += [f"killing {number}: {each}" for each in found]
        cluster.journal.observe("file of a killed hive", killing=number, seed=seed, rows=rows, broken=found)
        cluster.restart(hive)
        cluster.wait_until_ready(hive)
    if not any(report.log_bytes) or max(report.rows) < 2:
        raise HarnessError(f"seed {seed}: the killings hit no writes: {report}")
    return report


def torn_rows(path: Path) -> tuple[list[str], int]:
    """Return a sentence for each row that is not whole, and the number of rows.

    A row is whole when its fields are, and when the file that it vouches for is there with that size and hash: the
    row comes after its file, and goes before it.
    """
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        check = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        rows = connection.execute("SELECT ref, size_bytes, sha256 FROM models").fetchall()
    broken = [f"integrity check: {line}" for line in check if line != "ok"]
    for ref, size_bytes, sha256 in rows:
        model = path.parent / "models" / file_name(ref)
        if not model.exists():
            broken.append(f"{ref} has a row and no file")
            continue
        content = model.read_bytes()
        if (len(content), hashlib.sha256(content).hexdigest()) != (size_bytes, sha256):
            broken.append(f"{ref} has a row of {size_bytes} bytes, its file has {len(content)} or another hash")
    if message := what_sqlite_says(path, "models"):
        broken.append(f"the file after its log was taken in: {message}")
    return broken, len(rows)


def _burst(cluster: Cluster, hive: str, *, seed: int, for_s: float) -> None:
    """Pull and remove until the hive is killed, `for_s` seconds after the first answer."""
    daemon = cluster.daemon(hive)
    begun, killed = threading.Event(), threading.Event()

    def client(number: int) -> None:
        chance = random.Random(seed + number)  # noqa: S311 - a repeatable order, not a secret
        models = FILLER_MODELS[number * MODELS_EACH :][:MODELS_EACH]
        asking = Client(cluster.journal, daemon.address.url)
        while not killed.is_set():
            ref = chance.choice(models)
            if chance.random() < 0.6:
                asking.post("/v1/models", {"model": ref})
            else:
                asking.delete(f"/v1/models/{ref}")
            begun.set()
        asking.close()

    def kill() -> None:
        begun.wait(5)
        killed.wait(for_s)  # only this thread sets the event, so this is a plain wait
        cluster.end(hive, signal.SIGKILL, why="in the middle of a burst of writes")
        killed.set()

    actions = [kill, *(lambda number=number: client(number) for number in range(CLIENTS))]
    all_at_once(cluster.journal, "a burst of pulls and removals", actions)
