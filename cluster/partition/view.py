"""What is seen of a broken link, and of one that has healed, in the queen's list, events, metrics and log."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from beehave.conditions import always, eventually
from beehave.http import Answer
from beehave.process.logs import log_events
from cluster.cluster import Cluster
from cluster.event_view import events_so_far
from cluster.history import History
from cluster.inference import Inference
from cluster.records import Target
from cluster.registry_view import RegistryView, Row, WorkerIdentity
from cluster.stream import LiveStream

STATES = ("available", "suspect", "unavailable")


class PartitionView:
    """Looks, and compares with what was before the last act."""

    def __init__(self, cluster: Cluster, registry: RegistryView, history: History) -> None:
        self._cluster = cluster
        self._registry = registry
        self._history = history
        self._journal = cluster.journal
        self._inference = Inference(cluster)

    def request(self, *, deadline_ms: int | None = None) -> Answer:
        """Send one request to the queen and return what came."""
        headers = {} if deadline_ms is None else {"X-Deadline-Ms": str(deadline_ms)}
        return self._inference.ask("is anybody there", headers=headers)

    def wait_until_given_up(self, hive: str) -> None:
        """Wait until the queen calls a hive unavailable, a lease and a heartbeat after the cut at the latest.

        The last lease passed before the cut, so that it ends within a lease; the queen notices within a heartbeat. The
        times of this and of the suspicion before it go into the report.
        """
        durations = self._cluster.durations
        bound_ms = durations.lease_ms + durations.heartbeat_ms
        took_s = self.wait_for_state(hive, "unavailable", within_ms=bound_ms)
        self._journal.figure("cut to unavailable", took_s, bound_s=bound_ms / 1000, why="a lease and a heartbeat")
        suspicions = self._events(hive, {"hive.suspect"})
        if suspicions:
            self._journal.figure(
                "cut to suspect",
                self._after_cut_s(suspicions[-1]),
                bound_s=durations.lease_ms / 1000,
                why="before a lease ends",
            )

    def wait_until_back(self, hive: str, *, heartbeats: int) -> None:
        """Wait until the queen calls a hive available, so many heartbeats after the link was restored at the latest."""
        bound_ms = heartbeats * self._cluster.durations.heartbeat_ms
        took_s = self.wait_for_state(hive, "available", within_ms=bound_ms, since="heal")
        self._journal.figure("heal to available", took_s, bound_s=bound_ms / 1000, why=f"{heartbeats} heartbeats")

    def stream_ended_after_s(self, stream: LiveStream) -> float:
        """Wait for a stream's end within the stall bound; returns how long after the cut that was, in seconds.

        The bound counts from the last token, which came before the cut; a heartbeat is for the error chunk.
        """
        durations = self._cluster.durations
        bound_ms = durations.between_tokens_ms + durations.heartbeat_ms
        stream.wait_for_end(within_s=max(0.0, self._cut_at + bound_ms / 1000 - time.monotonic()))
        took_s = (stream.ended_at or 0.0) - self._cut_at
        self._journal.figure(
            "cut in a stream to its error chunk", took_s, bound_s=bound_ms / 1000, why="the stall bound"
        )
        return took_s

    def wait_for_state(self, hive: str, state: str, *, within_ms: float, since: str = "cut") -> float:
        """Wait until the queen lists a hive in a state; returns how long after the cut (or heal) that was, in seconds.

        Raises:
            AssertionError: it was not within the bound, which counts from the cut (or heal) too.
        """
        began = self._cut_at if since == "cut" else self._history.restored_at
        eventually(
            self._journal,
            f"the queen lists {hive} as {state} within {within_ms:.0f} ms of the {since}",
            lambda: self.hive(hive)["state"],
            lambda seen: seen == state,
            within_s=max(0.0, began + within_ms / 1000 - time.monotonic()),
        )
        return time.monotonic() - began

    def stays_available(self, hive: str, *, for_s: float) -> str:
        """Check for a time that the queen lists the hive as available all along; return the last state seen."""
        return always(
            self._journal,
            f"the queen lists {hive} as available",
            lambda: str(self.hive(hive)["state"]),
            lambda state: state == "available",
            for_s=for_s,
        )

    def states_in_events(self, hive: str) -> list[str]:
        """Return the states of a hive by the queen's events since the last act."""
        events = self._events(hive, {f"hive.{state}" for state in STATES})
        return [event["kind"].removeprefix("hive.") for event in events]

    def registrations(self) -> list[dict[str, Any]]:
        """Return the events since the last act by which anything was registered or removed."""
        kinds = {"hive.registered", "hive.removed", "worker.registered", "worker.removed", "worker.restarted"}
        return self._events(None, kinds)

    def views_of(self, hive: str) -> dict[str, str]:
        """Return the state of a hive by the queen's list, events, log, and metrics (when these agree with the list)."""
        events = self.states_in_events(hive)
        before = self._history.before
        rows = self._registry.hives_at_queen()
        listed = {state: sum(row["state"] == state for row in rows) for state in STATES}
        gauges = {state: self._inference.counter(self._cluster.queen, "queen_hives", state=state) for state in STATES}
        logged = [
            (entry["timestamp"], state)
            for state in STATES
            for entry in log_events(
                self._journal, self._cluster.queen.process, f"hive_{state}", since=before.log_marks.get("queen", 0)
            )
            if entry["hive_id"] == hive
        ]
        state = next((row["state"] for row in rows if row["id"] == hive), "not listed")
        return {
            "list": state,
            "events": events[-1] if events else "no event",
            "log": max(logged)[1] if logged else "nothing logged",
            "metrics": state if gauges == listed else f"{gauges}, the list has {listed}",
        }

    def instance_of(self, hive: str) -> str:
        """Return the instance under which the queen lists a hive."""
        return str(self.hive(hive)["instance"])

    def workers_now(self) -> set[WorkerIdentity]:
        """Return the workers, once the queen, the hives and the process table agree on as many as before."""
        within_s = self._cluster.durations.start_up_ms / 1000
        return self._registry.wait_until_consistent(count=len(self._history.before.workers), within_s=within_s)

    def wait_until_forgotten(self, hive: str) -> float:
        """Wait until the queen lists no worker of a hive: its lease has ended, and the orphan grace has passed.

        Returns how long after the cut that was, in seconds.
        """
        durations = self._cluster.durations
        bound_ms = durations.lease_ms + durations.orphan_grace_ms + durations.heartbeat_ms
        eventually(
            self._journal,
            f"the queen lists no worker of {hive}",
            lambda: [row for row in self._registry.queen_rows() if row["hive_id"] == hive],
            lambda rows: not rows,
            within_s=max(0.0, self._cut_at + bound_ms / 1000 - time.monotonic()),
        )
        return time.monotonic() - self._cut_at

    def requests_counted(self, count: int) -> dict[str, float]:
        """Return how the queen counts the requests that have ended so far, once it counts `count` of them.

        It counts one when its last byte is written, so a moment after the client may have read it.
        """

        def counted() -> dict[str, float]:
            outcomes = ("served", "error", "client_gone", "cancelled", "rejected")
            return {
                outcome: self._inference.counter(self._cluster.queen, "queen_requests_total", outcome=outcome)
                for outcome in outcomes
            }

        return eventually(
            self._journal,
            f"the queen counts {count} requests",
            counted,
            lambda counts: sum(counts.values()) >= count,
            within_s=self._cluster.durations.heartbeat_ms / 1000,
        )

    def wait_until_routable(self, *, routable: bool, within_ms: float, since: str = "cut") -> list[Row]:
        """Wait until the queen routes to all workers, or to none; the bound counts from the cut (or heal)."""
        began = self._cut_at if since == "cut" else self._history.restored_at
        whom = "all workers" if routable else "no worker"
        return eventually(
            self._journal,
            f"the queen routes to {whom} within {within_ms:.0f} ms of the {since}",
            self._registry.queen_rows,
            lambda rows: bool(rows) and all(row["routable"] is routable for row in rows),
            within_s=max(0.0, began + within_ms / 1000 - time.monotonic()),
        )

    def hive(self, name: str) -> Row:
        """Return the queen's row of a hive."""
        return next((row for row in self._registry.hives_at_queen() if row["id"] == name), {"state": "not listed"})

    @property
    def _cut_at(self) -> float:
        return self._history.last_act(Target.LINK).at

    def _events(self, hive: str | None, kinds: set[str]) -> list[dict[str, Any]]:
        since = self._history.before.wall_clock
        return [
            event
            for event in events_so_far(self._cluster)
            if event["kind"] in kinds
            and hive in {None, event["hive_id"]}
            and datetime.fromisoformat(event["at"]) > since
        ]

    def _after_cut_s(self, event: dict[str, Any]) -> float:
        cut = self._history.last_act(Target.LINK).before.wall_clock
        return (datetime.fromisoformat(event["at"]) - cut).total_seconds()
