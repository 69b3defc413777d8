"""What the steps of one scenario have done so far: each `When` writes it, each `Then` reads it.

It is the one memory of a scenario, so that any `Then` can follow any `When`. Where a `Then` asks for something that no
step did, the message is a sentence about that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from beehave.errors import HarnessError
from beehave.http import Answer
from cluster.cluster import Cluster
from cluster.records import Act, Before, Kind, Sent, Target
from cluster.registry_view import RegistryView, Row, WorkerIdentity
from cluster.stream import LiveStream
from cluster.waiting_client import WaitingClient

Kept = TypeVar("Kept")


class History:
    """What was sent, what was acted on and what else a step has kept."""

    def __init__(self, cluster: Cluster, registry: RegistryView) -> None:
        self._cluster = cluster
        self._registry = registry
        self._sent: list[Sent] = []
        self._acts: list[Act] = []
        self._kept: dict[type, object] = {}
        self._restored_at: float | None = None

    # What steps write.

    def send(self, sent: Sent) -> Sent:
        """Remember what is being sent."""
        self._sent.append(sent)
        return sent

    def answered(self, kind: Kind, answers: Sequence[Answer]) -> None:
        """Remember what was asked for and what came back."""
        self.send(Sent(kind, received=list(answers)))

    def act(self, target: Target, what: str, subjects: Sequence[Row] = ()) -> Act:
        """Remember how things stand, and what is now done to whom."""
        act = Act(target, what, self.look(), list(subjects), time.monotonic())
        self._acts.append(act)
        return act

    def restored(self) -> None:
        """Remember that a link has healed, or that daemons that were started again have answered."""
        self._restored_at = time.monotonic()

    def keep(self, result: object) -> None:
        """Remember what else a step found, by its class."""
        self._kept[type(result)] = result

    def look(self) -> Before:
        """Return how things stand now; without a living queen, no worker and no hive is known."""
        running = [*self._cluster.daemons.all("queen"), *self._cluster.hives]
        known = any(daemon.role == "queen" and daemon.process.alive() for daemon in running)
        rows = self._registry.queen_rows() if known else []
        hives = self._registry.hives_at_queen() if known else []
        return Before(
            workers={row["id"]: WorkerIdentity.of_row(row) for row in rows},
            hive_instances={row["id"]: row["instance"] for row in hives},
            log_marks={daemon.name: daemon.process.log_mark() for daemon in running},
            wall_clock=datetime.now(UTC),
        )

    # What steps read.

    def sent(self, *kinds: Kind) -> Sent:
        """Return what was sent last, of these kinds or of any, as an observation.

        Raises:
            HarnessError: nothing was.
        """
        wanted = kinds or tuple(Kind)
        for sent in reversed(self._sent):
            if sent.kind in wanted:
                came = str(sent)
                self._cluster.journal.observe("sent", request=sent.kind.value, count=sent.count, came=came[:2000])
                return sent
        raise HarnessError(f"no When of this scenario {' or '.join(kind.value for kind in wanted)}")

    def first_kind(self, *kinds: Kind) -> Kind:
        """Return the first of these kinds that was sent in this scenario, the last one when none was."""
        return next((kind for kind in kinds if any(sent.kind is kind for sent in self._sent)), kinds[-1])

    def requests(self) -> Sent:
        """Return the requests that were sent last."""
        return self.sent(Kind.REQUEST)

    def answers(self, *kinds: Kind) -> list[Answer]:
        """Return the answers that came last, of these kinds or of any.

        Raises:
            HarnessError: nothing was sent, or what was sent last has no answers one by one.
        """
        sent = self.sent(*kinds)
        if sent.load is not None:
            raise HarnessError("the last When sent a load, whose answers are only counted")
        return sent.answers + [stream.as_answer() for stream in sent.streams]

    def answer(self) -> Answer:
        """Return the one answer of what was sent last.

        Raises:
            HarnessError: there are several, and the sentence is about one.
        """
        answers = self.answers()
        if len(answers) != 1:
            raise HarnessError(f"the last When got {len(answers)} answers, and this sentence is about one")
        return answers[0]

    @property
    def stream(self) -> LiveStream:
        """The stream that was begun last.

        Raises:
            HarnessError: none was, or several were at once.
        """
        last = next((sent.streams for sent in reversed(self._sent) if sent.streams), [])
        if not last:
            raise HarnessError("no step of this scenario began a stream")
        if len(last) > 1:
            raise HarnessError(f"the last When began {len(last)} streams, and this sentence is about one")
        return last[0]

    def streams(self) -> list[LiveStream]:
        """Return the streams that were begun together; those that were begun one by one count together too.

        Raises:
            HarnessError: none was.
        """
        found: list[LiveStream] = []
        for sent in reversed([each for each in self._sent if each.streams]):
            if len(sent.streams) > 1:
                found = found or sent.streams
                break
            found = [*sent.streams, *found]
        if not found:
            raise HarnessError("no step of this scenario began a stream")
        for stream in found:
            stream.observe()
        return found

    def stream_of(self, model: str) -> LiveStream:
        """Return the stream of a model that was begun last.

        Raises:
            HarnessError: none was.
        """
        every = [stream for sent in self._sent for stream in sent.streams]
        streams = [stream for stream in every if stream.body["model"] == model]
        if not streams:
            raise HarnessError(f'no step of this scenario began a stream of "{model}"')
        return streams[-1]

    def every_stream(self) -> list[LiveStream]:
        """Return all streams of the scenario, for its end."""
        return [stream for sent in self._sent for stream in sent.streams]

    def every_waiting_client(self) -> list[WaitingClient]:
        """Return all clients that a step left waiting, for the scenario's end."""
        return [sent.waiting for sent in self._sent if sent.waiting is not None]

    def waiting_answer(self) -> tuple[str, Answer]:
        """Return the request id and the answer of the client that was left waiting last, as an observation.

        Raises:
            HarnessError: no client was.
            AssertionError: it still waits.
        """
        clients = self.every_waiting_client()
        if not clients:
            raise HarnessError("no step of this scenario left a client waiting")
        answer = clients[-1].final_answer()
        request_id = clients[-1].request_id
        self._cluster.journal.observe("answer of the waiting client", request_id=request_id, answer=str(answer))
        return request_id, answer

    def last_act(self, *targets: Target) -> Act:
        """Return what was acted on last, of these targets or of any.

        Raises:
            HarnessError: nothing was.
        """
        wanted = targets or tuple(Target)
        for act in reversed(self._acts):
            if act.target in wanted:
                return act
        raise HarnessError(f"no When of this scenario {' or '.join(target.value for target in wanted)}")

    @property
    def before(self) -> Before:
        """How things stood before the last act.

        Raises:
            HarnessError: there was none.
        """
        return self.last_act().before

    @property
    def acted_at(self) -> float:
        """When the last act was, in seconds on the monotonic clock.

        Raises:
            HarnessError: there was none.
        """
        return self.last_act().at

    @property
    def restored_at(self) -> float:
        """When a link was restored or a daemon was started again last, in seconds on the monotonic clock.

        Raises:
            HarnessError: none was.
        """
        if self._restored_at is None:
            raise HarnessError("no When of this scenario restored a link or started a daemon again")
        return self._restored_at

    def act_on_workers(self) -> Act:
        """Return the last act that was done to a worker, directly or by ending its hive.

        Raises:
            HarnessError: there was none.
        """
        for act in reversed(self._acts):
            if act.subjects:
                return act
        raise HarnessError("no When of this scenario acted on a worker")

    @property
    def subjects(self) -> list[Row]:
        """The rows, as they were before, of the workers that were acted on last."""
        return self.act_on_workers().subjects

    @property
    def subject(self) -> Row:
        """The row, as it was before, of the only worker that was acted on last.

        Raises:
            HarnessError: there was none, or there were several.
        """
        rows = self.subjects
        if len(rows) != 1:
            raise HarnessError(f"the last When acted on {len(rows)} workers, and this sentence is about one")
        return rows[0]

    @property
    def subject_ids(self) -> set[str]:
        """The ids of the workers that were acted on last."""
        return {row["id"] for row in self.subjects}

    def kept(self, kind: type[Kept], what: str) -> Kept:
        """Return what a step has kept of this class, as an observation.

        Args:
            kind: the class.
            what: completes the sentence `no When of this scenario ...`.

        Raises:
            HarnessError: no step has.
        """
        found = self._kept.get(kind)
        if not isinstance(found, kind):
            raise HarnessError(f"no When of this scenario {what}")
        self._cluster.journal.observe("kept", of=kind.__name__, found=str(found)[:2000])
        return found
