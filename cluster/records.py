"""What the history of a scenario is made of: what was sent and came back, what was acted on, what was before."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from beehave.errors import HarnessError
from beehave.http import Answer
from beehave.load.process import LoadProcess
from cluster.registry_view import Row, WorkerIdentity
from cluster.stream import LiveStream
from cluster.waiting_client import WaitingClient

LATE_OR_CUT_OFF = (None, 408, 504)
"""The statuses of answers that came too late or not at all."""


class Kind(Enum):
    """What a step sent; the value completes the sentence `no When of this scenario ...`."""

    REQUEST = "sent a request"
    MISTAKE = "sent a request with a mistake"
    SPAWN = "spawned a worker"
    STOP = "stopped or restarted a worker through the API"


class Target(Enum):
    """What a step acted on; the value completes the sentence `no When of this scenario ...`."""

    WORKERS = "acted on a worker"
    DAEMON = "ended a daemon"
    LINK = "broke a link"


@dataclass(frozen=True)
class Counts:
    """The daemons' own counts of requests at one moment."""

    served_by_hives: dict[str, float] = field(default_factory=dict)
    rejected_by_hives: dict[str, float] = field(default_factory=dict)
    served_by_workers: dict[WorkerIdentity, float] = field(default_factory=dict)


@dataclass
class Sent:
    """What one step sent and what came back: whole answers, streams, a client that waits, or a load."""

    kind: Kind
    before: Counts = field(default_factory=Counts)
    """The daemons' counts before it was sent."""
    received: list[Answer] = field(default_factory=list)
    streams: list[LiveStream] = field(default_factory=list)
    waiting: WaitingClient | None = None
    load: LoadProcess | None = None

    @property
    def count(self) -> int:
        """How many requests were sent."""
        if self.load is not None:
            return self.load.result().planned
        return len(self.answers) + len(self.streams)

    @property
    def answers(self) -> list[Answer]:
        """The answers that are not streams; a client that still waits is waited for."""
        return [self.waiting.final_answer()] if self.waiting is not None else self.received

    def failures(self) -> list[str]:
        """Return a sentence for each request that was not answered, or whose answer is not whole."""
        if self.load is not None:
            return [f"{count} times {kind}" for kind, count in self.load.result().errors.items()]
        failed = [str(answer) for answer in self.answers if not 200 <= (answer.status or 0) < 300]
        return failed + [str(seen) for stream in self.streams if (seen := stream.wait_for_end()) and not stream.whole]

    def late_or_cut_off(self) -> list[str]:
        """Return a sentence for each request that timed out, passed its deadline or lost its connection."""
        if self.load is not None:
            result = self.load.result()
            stopped = [] if result.complete else ["the generator was stopped early"]
            return stopped + [f"{count} times {kind}" for kind, count in result.late_or_cut_off.items()]
        late = [str(answer) for answer in self.answers if answer.status in LATE_OR_CUT_OFF]
        return late + [str(stream.observe()) for stream in self.streams if stream.status in LATE_OR_CUT_OFF]

    def __str__(self) -> str:
        """Return what came back, a line for each answer."""
        if self.load is not None:
            return self.load.result().text()
        return "\n".join([*map(str, self.answers), *(str(stream.observe()) for stream in self.streams)])


@dataclass(frozen=True)
class Before:
    """The cluster as it was just before a step acted on it."""

    workers: dict[str, WorkerIdentity]
    """By id, as the queen listed them."""
    hive_instances: dict[str, str]
    log_marks: dict[str, int]
    """Where the log of each daemon ended."""
    wall_clock: datetime

    def instance_of(self, hive: str) -> str:
        """Return the instance of a hive.

        Raises:
            HarnessError: the queen did not list it.
        """
        if hive not in self.hive_instances:
            raise HarnessError(f"the queen did not list {hive} before this scenario acted")
        return self.hive_instances[hive]


@dataclass
class Act:
    """Something that a step did to workers, to a daemon or to a link."""

    target: Target
    what: str
    """For the report: `worker killed`."""
    before: Before
    subjects: list[Row]
    """The rows, as they were before, of the workers that it was done to."""
    at: float
    """When, in seconds on the monotonic clock."""

    def done(self) -> None:
        """Count the time from now on: what was asked for has happened."""
        self.at = time.monotonic()
