"""A hive's catalog and the file that it lies in: filling it, breaking it, and seeing what the hive makes of that."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from beehave import Daemon
from beehave.at_once import all_at_once
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.faults.base import Fault, FaultStack
from beehave.faults.database import Damage, DamagedFile, checkpoint, sha256_of
from beehave.faults.disk import ReadOnlyFolder, obeying_modes
from beehave.http import Answer
from beehave.process.logs import log_events
from cluster.cluster import FILLER_MODELS, Cluster
from cluster.database.catalog_view import CatalogFile, read_catalog
from cluster.history import History
from cluster.inference import CHAT, Inference
from cluster.records import Kind
from cluster.workers import Workers

TABLE = "models"
HIVE = "hive-1"


@dataclass(frozen=True, order=True)
class Model:
    """What a catalog has of a model, without `created`: a file without its row does not show when it was pulled."""

    ref: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Query:
    """The query that had to find the damage."""

    request_id: str


@dataclass(frozen=True)
class Detection:
    """What a hive reports about the damage that it found."""

    health: dict[str, Any]
    damages: float
    """By its counter, since the damage was done."""
    entries: list[dict[str, Any]]
    """Its log lines `catalog_damaged`."""
    query: str
    """The request id of the query that had to find it."""
    objections: frozenset[str]
    """SQLite's own messages about the file; an empty one when it has none."""


@dataclass(frozen=True)
class Rebuilding:
    """How a hive came to have a catalog again."""

    entry: dict[str, Any]
    """Its log line `catalog_rebuilt`."""
    detected_s: float
    """From the damage to the log line about it."""
    rebuilt_s: float
    """From there to the rebuilt file."""
    in_time: bool
    salvageable: range
    """How many rows the hive may have salvaged, by what was destroyed."""


@dataclass(frozen=True)
class Broken:
    """A catalog file that a step has broken, and how things stood before."""

    fault: DamagedFile
    at: float
    """In seconds since 1970, to be compared with the times in the hive's log."""
    log_mark: int
    damages_before: float
    """By the hive's counter."""
    models: list[Model]
    """The catalog as the API listed it."""
    hive_was_stopped: bool


class Databases:
    """The catalog of the first hive."""

    def __init__(self, cluster: Cluster, faults: FaultStack, workers: Workers, history: History) -> None:
        self._cluster = cluster
        self._faults = faults
        self._workers = workers
        self._history = history
        self._inference = Inference(cluster)
        self._read_only: Fault | None = None

    @property
    def path(self) -> Path:
        """The hive's database file."""
        return self._cluster.catalog_path(HIVE)

    @property
    def broken_sha256(self) -> str:
        """The SHA-256 of the broken file, as the fault left it.

        Raises:
            HarnessError: no step has broken it.
        """
        return self._broken.fault.sha256

    @property
    def models_before(self) -> list[Model]:
        """The models that the hive listed before its catalog was broken.

        Raises:
            HarnessError: no step has broken it.
        """
        return self._broken.models

    def fill(self, count: int) -> None:
        """Pull `count` small models through the hive's API, and wait until the file has their rows too.

        Raises:
            AssertionError: one was refused, or is not there in the time of a start.
        """
        pulls = [partial(self._hive.client.post, "/v1/models", {"model": ref}) for ref in FILLER_MODELS[:count]]
        for answer in all_at_once(self._cluster.journal, f"pull {count} models", pulls):
            answer.expect(200, 202)
        wanted = set(FILLER_MODELS[:count])
        eventually(
            self._cluster.journal,
            f"{count} pulled models are in the catalog and in its file",
            self.file,
            lambda found: wanted <= set(found.models),
            within_s=self._cluster.settle_s,
        )

    def file(self) -> CatalogFile:
        """Return what SQLite finds in the hive's file."""
        return read_catalog(self._cluster.journal, self.path)

    def listed(self) -> list[Model]:
        """Return the models that the hive lists."""
        rows = self._hive.client.get("/v1/models").expect(200).json["data"]
        return sorted(Model(row["id"], row["size_bytes"], row["sha256"]) for row in rows)

    def damage(self, damage: Damage) -> None:
        """Break the file in place, under a hive that has just read it: what it has cached must not hide the damage."""
        log_mark = self._hive.process.log_mark()
        checkpoint(self.path)
        self._break(damage, log_mark, self._damages(), self.listed(), stopped=False)

    def damage_while_stopped(self, damage: Damage) -> None:
        """End the hive in order, so that its log is checkpointed, break the file, and start the hive over it."""
        models = self.listed()
        self._cluster.end(HIVE, signal.SIGTERM, why="its database is to be damaged while it is away")
        self._break(damage, self._hive.process.log_mark(), 0.0, models, stopped=True)
        self._cluster.restart(HIVE)
        self._cluster.wait_until_ready(HIVE)

    def query(self) -> Answer:
        """Ask the hive for its models, with a request id of the scenario's own."""
        headers = {"X-Request-Id": f"step-{uuid.uuid4().hex[:12]}"}
        answer = self._hive.client.get("/v1/models", headers=headers).expect(200)
        self._history.answered(Kind.REQUEST, [answer])
        self._history.keep(Query(headers["X-Request-Id"]))
        return answer

    def query_while_serving(self, requests: int) -> None:
        """Send requests for completions and, among them, the query that finds the damage."""
        asked = [partial(self._inference.ask, f"question {number}") for number in range(requests)]
        actions: list[Callable[[], Answer]] = [*asked[: requests // 2], self.query, *asked[requests // 2 :]]
        answers = all_at_once(self._cluster.journal, f"{requests} requests and a query", actions)
        self._history.answered(Kind.REQUEST, [answer for answer in answers if answer.url.endswith(CHAT)])

    def detection(self) -> Detection:
        """Return what the hive reports about the damage that it found."""
        health = dict(self._hive.client.get("/health").expect(200).json)
        broken, query = self._broken, self._history.kept(Query, "asked the hive for its models")
        damages, entries = self._damages() - broken.damages_before, self._logged("catalog_damaged")
        return Detection(health, damages, entries, query.request_id, broken.fault.objections)

    def rebuilding(self) -> Rebuilding:
        """Return how the catalog was rebuilt, by the hive's log, and record how long it took to get there.

        Raises:
            AssertionError: it logged no rebuilding, or several.
        """
        broken = self._broken
        found, rebuilt = self._logged("catalog_damaged"), self._logged("catalog_rebuilt")
        assert len(found) == len(rebuilt) == 1, f"expected one line of each: {found}, {rebuilt}"
        detected_s, rebuilt_s = _at(found[0]) - broken.at, _at(rebuilt[0]) - _at(found[0])
        how = "by a hive that starts" if broken.hive_was_stopped else "by the next query"
        detect_bound_s = self._cluster.durations.start_up_ms / 1000 if broken.hive_was_stopped else self.heartbeat_s
        figure, bound_is = self._cluster.journal.figure, "a start" if broken.hive_was_stopped else "a heartbeat"
        figure(f"catalog corrupted to detected {how}", detected_s, bound_s=detect_bound_s, why=bound_is)
        figure("corruption detected to catalog rebuilt", rebuilt_s, bound_s=self.heartbeat_s, why="a heartbeat")
        late = detected_s > detect_bound_s or rebuilt_s > self.heartbeat_s
        salvageable = range(1, len(broken.models) + 1) if broken.fault.damage.leaves_rows else range(1)
        return Rebuilding(rebuilt[0], detected_s, rebuilt_s, in_time=not late, salvageable=salvageable)

    @property
    def heartbeat_s(self) -> float:
        """The bound of detecting and of rebuilding: a hive that is busy for longer misses its lease's pace."""
        return self._cluster.durations.heartbeat_ms / 1000

    def kept(self) -> dict[str, str]:
        """Return the broken files that lie beside the database, with their SHA-256."""
        found = {path.name: sha256_of(path) for path in sorted(self.path.parent.glob(f"{self.path.name}.corrupt-*"))}
        self._cluster.journal.observe("files kept aside", found=found)
        return found

    def wait_for_whole_file(self) -> CatalogFile:
        """Wait until the file passes SQLite's check and has every model and every worker that the hive lists."""

        def is_current(found: CatalogFile) -> bool:
            if found.integrity != ["ok"]:
                return False  # and not asked anything: a query would mend it, and the hive has to by itself
            workers = self._hive.client.get("/v1/workers").expect(200).json["workers"]
            listed = [model.ref for model in self.listed()], sorted(row["pid"] for row in workers)
            return (found.models, found.worker_pids) == listed

        return eventually(
            self._cluster.journal,
            "the hive's database is whole and has every model and worker that the hive lists",
            self.file,
            is_current,
            within_s=4 * self.heartbeat_s + 2,  # the disk is tried at each heartbeat; a look takes a query or two
        )

    def obey_modes(self) -> None:
        """Start hives without what lets root override file modes."""
        self._cluster.daemons.launchers["hive"] = obeying_modes([])

    def make_read_only(self) -> None:
        """Let nothing be written any more in the hive's data folder; the folders below it stay as they are."""
        self._read_only = ReadOnlyFolder(self.path.parent)
        self._faults.add(self._read_only)

    def make_writable(self) -> None:
        """Undo that."""
        if self._read_only is None:
            raise HarnessError("no When of this scenario made a folder read-only")
        self._faults.heal(self._read_only)

    def serve_new_model(self, model: str) -> None:
        """Start a worker from a model that the hive does not have yet, and ask it something."""
        (worker_id,) = self._workers.ids_of([self._workers.spawn(model=model, hive=HIVE)])
        self._workers.wait_until_routable([worker_id])
        body = Inference.body("a question to the new one", max_tokens=4, model=model)
        self._history.answered(Kind.REQUEST, [self._cluster.queen.client.post(CHAT, body)])

    def in_memory(self) -> tuple[dict[str, Any], float, list[dict[str, Any]]]:
        """Return how the hive reports that its disk fails: its health, its gauge `catalog_on_disk`, its log lines."""
        health = dict(self._hive.client.get("/health").expect(200).json)
        gauge = self._inference.counter(self._hive, "hive_catalog_on_disk")
        return health, gauge, self._logged("catalog_in_memory")

    @property
    def _broken(self) -> Broken:
        return self._history.kept(Broken, "destroyed a part of the catalog")

    @property
    def _hive(self) -> Daemon:
        return self._cluster.daemon(HIVE)

    def _break(self, damage: Damage, log_mark: int, damages: float, models: list[Model], *, stopped: bool) -> None:
        fault = DamagedFile(self.path, TABLE, damage)
        self._faults.add(fault)
        self._history.keep(Broken(fault, time.time(), log_mark, damages, models, stopped))

    def _damages(self) -> float:
        return self._inference.counter(self._hive, "hive_catalog_damages_total")

    def _logged(self, event: str) -> list[dict[str, Any]]:
        return log_events(self._cluster.journal, self._hive.process, event, since=self._broken.log_mark)


def _at(entry: dict[str, Any]) -> float:
    """Return the time of a log line, in seconds since 1970."""
    return datetime.fromisoformat(entry["timestamp"]).timestamp()
