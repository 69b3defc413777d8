"""Who the workers are, asked in three places that must agree: the queen, the hives, and the process table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from beehave import Daemon, sandbox
from beehave.conditions import eventually
from beehave.http import Answer, Client
from beehave.identity import Identity
from beehave.process.census import processes_of_run
from cluster.cluster import Cluster

STARTING = "starting"
"""The code of an answer that comes before a daemon has read its database (docs/contract.md)."""
Row = dict[str, Any]
"""A worker as the contract's lists show it (docs/contract.md, "worker row")."""


@dataclass(frozen=True, order=True)
class WorkerIdentity:
    """Everything by which one start of one worker differs from every other."""

    id: str
    instance: str
    pid: int
    start_ticks: int

    @classmethod
    def of_row(cls, row: Row) -> WorkerIdentity:
        """Return the identity that a row claims."""
        return cls(row["id"], row["instance"], row["pid"] or 0, row["start_ticks"] or 0)

    @property
    def process(self) -> Identity:
        """Return the process that the row names."""
        return Identity(self.pid, self.start_ticks)


class RegistryView:
    """Reads workers from the queen, from each hive, and from the processes themselves."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._journal = cluster.journal

    def queen_rows(self) -> list[Row]:
        """Return the workers that the queen lists."""
        return self._listed(self._cluster.queen, "workers")

    def hives_at_queen(self) -> list[Row]:
        """Return the hives that the queen lists."""
        return self._listed(self._cluster.queen, "hives")

    def client_of(self, row: Row) -> Client:
        """Return a client of a worker, on its hive's address and its own port."""
        return Client(self._journal, f"http://{self._cluster.daemon(row['hive_id']).address.host}:{row['port']}")

    def hive_rows(self) -> list[Row]:
        """Return the workers that all running hives list, each with its `hive_id`."""
        return [row for hive in self._cluster.hives for row in self.rows_of_hive(hive.name)]

    def rows_of_hive(self, name: str) -> list[Row]:
        """Return the workers that a running hive lists; none when it has ended, or when there is no such hive."""
        return [
            row | {"hive_id": name}
            for hive in self._cluster.hives
            if hive.name == name and hive.process.alive()
            for row in self._listed(hive, "workers")
        ]

    def _listed(self, daemon: Daemon, what: str) -> list[Row]:
        """Return what a daemon lists; one that says that it is still starting is waited for."""
        answer = daemon.client.get(f"/v1/{what}")
        if answer.error_code == STARTING:
            self._cluster.wait_until_ready(daemon.name)
            answer = daemon.client.get(f"/v1/{what}")
        return list(answer.expect(200).json[what])

    def row(self, worker_id: str) -> Row:
        """Return the queen's row of one worker."""
        return dict(self._cluster.queen.client.get(f"/v1/workers/{worker_id}").expect(200).json)

    def first_row(self) -> Row:
        """Return the first worker that the queen lists.

        Raises:
            AssertionError: it lists none.
        """
        rows = self.queen_rows()
        assert rows, "the queen lists no worker"
        return rows[0]

    def only_row(self, *, model: str | None = None) -> Row:
        """Return the only worker that the queen lists, of all or of one model.

        Raises:
            AssertionError: it lists none, or several.
        """
        rows = [row for row in self.queen_rows() if model in {None, row["model"]}]
        of = "" if model is None else f' for "{model}"'
        assert len(rows) == 1, f"this is about one worker{of}, the queen lists {len(rows)}: {rows}"
        return rows[0]

    def found_by_id(self) -> tuple[list[WorkerIdentity], list[WorkerIdentity], list[WorkerIdentity]]:
        """Return the workers that the queen lists, and each again as the queen and its hive return it by its id."""
        rows = self.queen_rows()
        at_queen = [self.row(row["id"]) for row in rows]
        at_hives = [
            self._cluster.daemon(row["hive_id"]).client.get(f"/v1/workers/{row['id']}").expect(200).json for row in rows
        ]
        listed, queen, hives = ([WorkerIdentity.of_row(each) for each in view] for view in (rows, at_queen, at_hives))
        return listed, queen, hives

    def own_healths(self) -> list[tuple[Row, dict[str, Any]]]:
        """Return each worker that the queen lists, with what answers for it on the port of its row."""
        return [(row, self.client_of(row).get("/health").expect(200).json) for row in self.queen_rows()]

    def worker_processes(self) -> list[Identity]:
        """Return every process below this run that the harness did not start itself: the workers, by /proc."""
        managed = {process.identity for process in self._cluster.processes.all()}
        seen = [identity for identity in processes_of_run(sandbox.current()) if identity not in managed]
        self._journal.observe("process table", workers=[identity.describe() for identity in seen])
        return seen

    def strays(self) -> list[str]:
        """Return a sentence for each worker process without a row, without its hive as parent, or a zombie."""
        rows = {WorkerIdentity.of_row(row).process: row for row in self.hive_rows()}
        found = []
        for process in self.worker_processes():
            row = rows.get(process)
            if row is None:
                found.append(f"no row names {process.describe()}")
            elif process.parent_pid() != self._cluster.daemon(row["hive_id"]).process.pid:
                found.append(f"{row['id']} is no longer its hive's child: {process.describe()}")
            elif not process.alive():
                found.append(f"{row['id']} is dead and was not reaped: {process.describe()}")
        return found

    def introduce(self, process: Identity) -> WorkerIdentity | None:
        """Ask a worker process, on the port that it listens on, who it is; None while it does not answer."""
        for port in process.listening_ports():
            answer = self._health(port, process)
            if answer.status is not None and answer.json.get("role") == "worker":
                health = answer.json
                return WorkerIdentity(health["name"], health["instance"], process.pid, process.start_ticks)
        return None

    def three_views(self) -> dict[str, set[WorkerIdentity]]:
        """Return the workers as the queen, the hives and the process table have them."""
        processes = [process for process in self.worker_processes() if process.alive()]
        introduced = {
            process: self.introduce(process) or WorkerIdentity("?", "?", process.pid, process.start_ticks)
            for process in processes
        }
        return {
            "queen": {WorkerIdentity.of_row(row) for row in self.queen_rows()},
            "hives": {WorkerIdentity.of_row(row) for row in self.hive_rows()},
            "processes": set(introduced.values()),
        }

    def wait_until_consistent(self, *, count: int | None = None, within_s: float) -> set[WorkerIdentity]:
        """Wait until the three views are equal (and hold `count` workers), and return the workers.

        Raises:
            AssertionError: they still differ; the message shows all three.
        """

        def agree(views: dict[str, set[WorkerIdentity]]) -> bool:
            same = views["queen"] == views["hives"] == views["processes"]
            return same and (count is None or len(views["queen"]) == count)

        wanted = "agree" if count is None else f"agree on {count} workers"
        views = eventually(
            self._journal, f"queen, hives and process table {wanted}", self.three_views, agree, within_s=within_s
        )
        return views["queen"]

    def wait_for_state(self, worker_ids: set[str], state: str, *, within_s: float) -> list[Row]:
        """Wait until the queen shows all these workers in `state` (`routable`: ready and routed to)."""

        def rows() -> list[Row]:
            return [row for row in self.queen_rows() if row["id"] in worker_ids]

        def all_there(found: list[Row]) -> bool:
            def fits(row: Row) -> bool:
                return bool(row["routable"]) if state == "routable" else row["state"] == state

            return {row["id"] for row in found} == worker_ids and all(fits(row) for row in found)

        return eventually(
            self._journal,
            f"{len(worker_ids)} workers {sorted(worker_ids)} are {state} at the queen",
            rows,
            all_there,
            within_s=within_s,
        )

    def _health(self, port: int, process: Identity) -> Answer:
        hosts = {hive.address.host for hive in self._cluster.hives}
        for host in sorted(hosts):
            client = Client(self._journal, f"http://{host}:{port}")
            answer = client.get("/health", timeout_s=2)
            client.close()
            if answer.status is not None and answer.json.get("pid") == process.pid:
                return answer
        return Answer("GET", f"http://?:{port}/health", None, failure="no worker answers there")
