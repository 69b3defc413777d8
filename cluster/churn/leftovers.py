"""What is left of workers that were to end: their rows, their processes, their listeners."""

from __future__ import annotations

from collections.abc import Sequence

from beehave.conditions import eventually
from beehave.http import refuses_connections
from cluster.cluster import Cluster
from cluster.registry_view import RegistryView, Row, WorkerIdentity


def wait_until_nothing_is_left(
    cluster: Cluster, registry: RegistryView, rows: Sequence[Row], *, within_s: float
) -> list[str]:
    """Wait until none of these workers has a row, a process or a listener, and return what is left: nothing.

    Raises:
        AssertionError: something of them is still there; the message names it.
    """
    hosts = {hive.name: hive.address.host for hive in cluster.hives}

    def left() -> list[str]:
        queen_ids = {row["id"] for row in registry.queen_rows()}
        hive_ids = {row["id"] for row in registry.hive_rows()}
        found = []
        for row in rows:
            process = WorkerIdentity.of_row(row).process
            found += [f"row {row['id']} at the queen"] if row["id"] in queen_ids else []
            found += [f"row {row['id']} at its hive"] if row["id"] in hive_ids else []
            found += [f"process {process.describe()}"] if process.exists() else []
            if row["port"] and not refuses_connections(cluster.journal, hosts[row["hive_id"]], row["port"]):
                found.append(f"a listener on port {row['port']}")
        cluster.journal.observe("leftovers", found=found)
        return found

    what = f"nothing is left of {', '.join(row['id'] for row in rows)}"
    return eventually(cluster.journal, what, left, lambda found: not found, within_s=within_s)
