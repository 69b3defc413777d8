"""What the daemons' gauges of workers say, beside what their lists say."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from beehave import Daemon
from cluster.cluster import Cluster

States = dict[str, float]
"""How many workers are in each state; states without any are left out."""


@dataclass(frozen=True)
class Look:
    """One daemon at one look."""

    number: int
    daemon: str
    listed: States
    shown: States
    """By the gauge `<role>_workers`."""


def gauges_of_workers(cluster: Cluster, *, looks: int) -> list[Look]:
    """Look at the queen and at each hive `looks` times, at list and gauges each time."""
    daemons = [cluster.queen, *cluster.hives]
    return [
        Look(number, daemon.name, _listed(daemon), _shown(daemon))
        for number in range(1, looks + 1)
        for daemon in daemons
    ]


def _listed(daemon: Daemon) -> States:
    rows = daemon.client.get("/v1/workers").expect(200).json["workers"]
    return {state: float(count) for state, count in Counter(row["state"] for row in rows).items()}


def _shown(daemon: Daemon) -> States:
    text = daemon.client.get("/metrics").expect(200).text
    return {
        sample.labels["state"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"{daemon.role}_workers" and sample.value
    }
