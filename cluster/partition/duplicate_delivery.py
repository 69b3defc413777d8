"""A request that is delivered twice: a cut link holds a copy and delivers it when it heals, as TCP does."""

from __future__ import annotations

import json
import socket
import uuid
from typing import Any

from beehave import Daemon
from beehave.conditions import eventually
from beehave.errors import HarnessError
from beehave.http import Client
from beehave.net.links import Link
from beehave.net.ways import Request
from beehave.process.logs import log_events
from cluster.inference import CHAT, Inference

DIAL_BOUND_S = 5.0
"""The link is whole when it is dialled."""


class DuplicateDelivery:
    """A copy, under the id of the first request, sent to a hive from the queen's address beside the queen's own."""

    def __init__(self, link: Link, queen: Daemon, hive: Daemon, worker: Client, worker_id: str) -> None:
        """worker: a client of the worker that serves the request."""
        self.request_id = f"copy-{uuid.uuid4().hex[:12]}"
        self._link = link
        self._queen = queen
        self._hive = hive
        self._worker = worker
        self._worker_id = worker_id
        self._connection: socket.socket | None = None
        self.runs_before: tuple[float, float] = (0, 0)
        """What the worker had served and how many tokens it had made when only the first request had run."""

    def count_runs(self) -> None:
        """Note what the worker has done so far."""
        self.runs_before = self.runs()

    def runs(self) -> tuple[float, float]:
        """Return how many requests the worker has served and how many tokens it has made, by its own counts."""
        served = Inference.counter_at(self._worker, "worker_requests_total", outcome="served")
        return served, Inference.counter_at(self._worker, "worker_tokens_total")

    def dial(self) -> None:
        """Connect while the link is whole."""
        self._connection = self._link.dial(self._queen.address.host, self._hive.address, within_s=DIAL_BOUND_S)

    def send(self, body: dict[str, Any], *, given_up: bool) -> None:
        """Send the copy, which the cut link holds; a sender that has given up closes its end."""
        headers = {
            "Content-Type": "application/json",
            "X-Request-Id": self.request_id,
            "X-Worker-Id": self._worker_id,
        }
        request = Request("POST", CHAT, headers, json.dumps(body).encode())
        self._open.sendall(self._link.wire_form(request, self._queen.address.host, self._hive.address))
        if given_up:
            self.close()

    def arrivals(self, *, within_s: float) -> list[dict[str, Any]]:
        """Return the hive's log lines about requests of this id, once there is one beside the first."""
        return eventually(
            self._hive.process.journal,
            f"the copy of {self.request_id} arrives at {self._hive.name}",
            self._logged,
            lambda found: len(found) > 1,
            within_s=within_s,
        )

    @property
    def refusals(self) -> set[int]:
        """The statuses that an arrival which is not run may have: 409, or none when its sender has hung up."""
        return {409} if self._connection is not None else {409, 0}

    def close(self) -> None:
        """Close the sender's end; harmless when it is closed."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _open(self) -> socket.socket:
        if self._connection is None:
            raise HarnessError("the copy's connection was never dialled, or is closed")
        return self._connection

    def _logged(self) -> list[dict[str, Any]]:
        found = log_events(self._hive.process.journal, self._hive.process, "request")
        return [entry for entry in found if entry["request_id"] == self.request_id]
