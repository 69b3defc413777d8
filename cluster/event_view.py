"""The queen's event stream, read up to now."""

from __future__ import annotations

import json
from typing import Any

import httpx

from cluster.cluster import Cluster


def events_so_far(cluster: Cluster, *, since: int = 0) -> list[dict[str, Any]]:
    """Return every event after number `since` that the queen still keeps, oldest first.

    The stream has no end: what was missed comes first, then a comment line after a heartbeat of silence, and that
    comment shows that all has been read. Each event is its `data` with `kind`.
    """
    url = f"{cluster.queen.address.url}/v1/events?since={since}"
    bound_s = 4 * cluster.durations.heartbeat_ms / 1000
    found: list[dict[str, Any]] = []
    with (
        httpx.Client(trust_env=False, verify=False, timeout=bound_s) as client,  # noqa: S501 - plain HTTP
        client.stream("GET", url) as response,
    ):
        for line in response.iter_lines():
            if line.startswith("data:"):
                found.append(json.loads(line.removeprefix("data:")))
            elif line.startswith(": heartbeat"):
                break
    cluster.journal.observe("events", since=since, found=found)
    return found
