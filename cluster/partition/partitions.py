"""Links between the parts of the cluster that fail and heal: what steps do to them."""

from __future__ import annotations

from enum import Enum

from beehave import Daemon
from beehave.addresses import Address
from beehave.conditions import always
from beehave.errors import HarnessError
from beehave.faults.base import FaultError, FaultStack
from beehave.faults.link_fault import Crossing, LinkFault
from beehave.http import Answer
from beehave.net.links import Link
from beehave.net.ways import Effect, Verdict, Way
from beehave.process.listeners import listeners_of
from cluster.cluster import Cluster
from cluster.history import History
from cluster.inference import Inference
from cluster.partition.duplicate_delivery import DuplicateDelivery
from cluster.partition.view import PartitionView
from cluster.records import Kind, Target
from cluster.registry_view import RegistryView, Row

WORKERS = "its workers"
"""What the sentences call the workers of a hive, as the end of a link."""


class Direction(Enum):
    """Of what goes between a hive and its workers."""

    DOWN = "to the workers"
    UP = "to the hive"


class Partitions:
    """Breaks links and restores them; the history has when, and how things stood before."""

    def __init__(self, cluster: Cluster, registry: RegistryView, faults: FaultStack, history: History) -> None:
        self._cluster = cluster
        self._registry = registry
        self._faults = faults
        self._history = history
        self._journal = cluster.journal
        self._inference = Inference(cluster)
        self._link: Link | None = None
        self._fault: LinkFault | None = None
        self._copy: DuplicateDelivery | None = None
        self.seen = PartitionView(cluster, registry, history)

    # What is done to links.

    def cut(self, ends: str, *, reset: bool = False) -> None:
        """Drop, or answer with a reset, everything that goes over a link in either direction."""
        self._break(f"the link between {ends}", self._both_ways(ends), Effect(drop=not reset, reset=reset))

    def cut_way(self, here: str, there: str) -> None:
        """Drop everything that goes from one node to another, and nothing that comes back."""
        if WORKERS in {here, there}:
            hive = self._cluster.daemon(here if there == WORKERS else there)
            crossings = self._inside(hive, Direction.DOWN if there == WORKERS else Direction.UP)
        else:
            crossings = [_crossing(self._cluster.daemon(here), self._cluster.daemon(there))]
        self._break(f"the way from {here} to {there}", crossings, Effect(drop=True))

    def shape(self, ends: str, *, delay_ms: float = 0, bytes_per_s: float = 0) -> None:
        """Let everything arrive later, or so many bytes a second only, in either direction."""
        effect = Effect(delay_ms=delay_ms, bytes_per_s=bytes_per_s)
        self._break(f"the link between {ends}", self._both_ways(ends), effect)

    def restore(self) -> None:
        """Heal the link that was broken last, and check that it is whole wherever a daemon still listens.

        Raises:
            FaultError: a probe does not pass.
        """
        fault = self._broken
        self._faults.heal(fault)
        self._history.restored()
        there = {Address(listener.host, listener.port) for listener in listeners_of(None)}
        if lost := [str(probe) for probe in fault.probes(there) if probe.verdict is not Verdict.PASSED]:
            raise FaultError(f"{fault.name}: healed, and yet a probe is {lost}")

    def flap(self, ends: str, times: int) -> None:
        """Cut and restore a link again and again: a heartbeat down, a heartbeat up, while the hive lives."""
        self._history.act(Target.LINK, f"link between {ends} cut")
        hive = self._cluster.daemon(_nodes(ends)[1])
        heartbeat_s = self._cluster.durations.heartbeat_ms / 1000
        for _ in range(times):
            self._inject(f"the link between {ends}", self._both_ways(ends), Effect(drop=True))
            always(self._journal, f"{hive.name} lives while cut", hive.process.alive, bool, for_s=heartbeat_s)
            self.restore()
            always(self._journal, f"{hive.name} lives meanwhile", hive.process.alive, bool, for_s=heartbeat_s)

    def serve_once(self) -> None:
        """Have a request served under an id of its own, of which a copy can be delivered later."""
        row = self._registry.first_row()
        hive = self._cluster.daemon(row["hive_id"])
        worker = self._registry.client_of(row)
        copy = self._copy = DuplicateDelivery(self.link, self._cluster.queen, hive, worker, row["id"])
        answer = self._inference.ask("once", headers={"X-Request-Id": copy.request_id})
        self._history.answered(Kind.REQUEST, [answer.expect(200)])
        copy.count_runs()

    def cut_on_copy(self, ends: str, *, given_up: bool) -> None:
        """Cut a link and leave on it a copy of the request: its connection stood before, its bytes are lost."""
        copy = self.copy
        copy.dial()
        self.cut(ends)
        copy.send(self._inference.body("once", max_tokens=4), given_up=given_up)

    @property
    def late_bound_s(self) -> float:
        """How long after the heal a copy may still be under way, in seconds.

        TCP doubles the pause between its tries: the next one comes at the latest after as long as the cut lasted.
        """
        lasted_s = self._history.restored_at - self._history.last_act(Target.LINK).at
        return lasted_s + self._cluster.durations.heartbeat_ms / 1000

    @property
    def copy(self) -> DuplicateDelivery:
        """The copy of a request that is held by a link.

        Raises:
            HarnessError: no request was served for it.
        """
        if self._copy is None:
            raise HarnessError("no step of this scenario had a request served of which a copy could come late")
        return self._copy

    # What is seen of it.

    def show_stable(self, ends: str) -> tuple[Row, Answer]:
        """Return the hive as the queen lists it, once probes pass both ways, and the answer to a request."""
        queen, hive = _nodes(ends)
        for crossing in self._both_ways(ends):
            assert crossing.dialled is not None
            probe = self.link.probe(crossing.way.source, crossing.dialled, within_s=5)
            self._journal.observe("probe", link=ends, verdict=probe.verdict)
            if probe.verdict is not Verdict.PASSED:
                raise HarnessError(f"the link between {queen} and {hive} is broken already: a probe is {probe}")
        return self.seen.hive(hive), self.seen.request()

    @property
    def link(self) -> Link:
        """The way in which links are broken in this scenario."""
        if self._link is None:
            self._link = self._cluster.daemons.new_link()
            self._link.probe_path = "/health"
        return self._link

    def close(self) -> None:
        """Let go of the link; its faults were healed before."""
        if self._copy is not None:
            self._copy.close()
        if self._link is not None:
            self._link.close()

    @property
    def _broken(self) -> LinkFault:
        if self._fault is None:
            raise HarnessError("no When of this scenario broke a link")
        return self._fault

    def _break(self, what: str, crossings: list[Crossing], effect: Effect) -> None:
        act = self._history.act(Target.LINK, f"{what} cut")
        act.done()
        self._inject(what, crossings, effect)

    def _inject(self, what: str, crossings: list[Crossing], effect: Effect) -> None:
        self._fault = LinkFault(self.link, self._journal, what, crossings, effect)
        self._faults.add(self._fault)

    def _both_ways(self, ends: str) -> list[Crossing]:
        first, second = _nodes(ends)
        if second == WORKERS:
            hive = self._cluster.daemon(first)
            return self._inside(hive, Direction.DOWN) + self._inside(hive, Direction.UP)
        here, there = self._cluster.daemon(first), self._cluster.daemon(second)
        return [_crossing(here, there), _crossing(there, here)]

    def _inside(self, hive: Daemon, direction: Direction) -> list[Crossing]:
        """Return the ways from a hive down to its workers, or up from them: they share its host, but not its port.

        What goes down is what is asked of the workers, and the hive's answers to them; what goes up is the rest.
        """
        host = hive.address.host
        rows = [row for row in self._registry.queen_rows() if row["hive_id"] == hive.name]
        workers = [Address(host, int(row["port"])) for row in rows]
        asked, answering = (workers, [hive.address]) if direction is Direction.DOWN else ([hive.address], workers)
        return [
            *(Crossing(Way(host, host, destination_port=place.port), place) for place in asked),
            *(Crossing(Way(host, host, source_port=place.port), None) for place in answering),
        ]


def _nodes(ends: str) -> tuple[str, str]:
    """Return the two ends of a link as a sentence names them: `the queen and hive-1`."""
    first, _, second = ends.partition(" and ")
    return first.removeprefix("the "), second


def _crossing(here: Daemon, there: Daemon) -> Crossing:
    return Crossing(Way(here.address.host, there.address.host), there.address)
