"""A link that is cut, reset or slowed: rules on its directions, verified by the harness's own probes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from beehave.addresses import Address
from beehave.faults.base import Fault, FaultError
from beehave.journal import Journal
from beehave.net.links import Link
from beehave.net.ways import Effect, Probe, Verdict, Way

SILENCE_S = 0.2
"""How long a probe waits for a response that must not come: one on loopback takes a few milliseconds, and the rule's
counter shows that the rule itself held the probe back."""
SLOW_BOUND_S = 10.0
"""How long a probe of a slow link may take: longer than any delay that a scenario uses."""


@dataclass(frozen=True)
class Crossing:
    """One direction of a link, and the daemon to dial so that the first packet goes in that direction.

    `dialled` is None for the direction of a daemon's responses: only connections from before the cut have any, and no
    new probe can show them while dialling itself is cut.
    """

    way: Way
    dialled: Address | None


class LinkFault(Fault):
    """One effect on all given directions."""

    def __init__(self, link: Link, journal: Journal, what: str, crossings: Sequence[Crossing], effect: Effect) -> None:
        """Take `what`, the link's name in messages: `the link between web and store`."""
        self._link = link
        self._journal = journal
        self._what = what
        self._crossings = list(crossings)
        self._effect = effect
        self._rules: dict[Way, int] = {}

    @property
    def name(self) -> str:
        """What is broken and how."""
        effect = self._effect
        if effect.shapes:
            slow = [f"{effect.delay_ms:.0f} ms slower"] if effect.delay_ms else []
            narrow = [f"held to {effect.bytes_per_s:.0f} bytes/s"] if effect.bytes_per_s else []
            how = " and ".join(slow + narrow)
        else:
            how = "reset" if effect.reset else "cut (packets dropped)"
        return f"{self._what}: {how}"

    def available(self) -> str | None:
        """Return why this is impossible on this machine."""
        return self._link.obstacle(self._effect)

    def inject(self) -> None:
        """Add the rules."""
        for crossing in self._crossings:
            self._rules[crossing.way] = self._link.add(crossing.way, self._effect)

    def verify(self) -> None:
        """Probe each direction that can be dialled: the rule must count the probe, and the probe must show the effect.

        Raises:
            FaultError: a direction is open, or has no rule.
        """
        for crossing in self._crossings:
            rule = self._rules.get(crossing.way)
            if rule is None:
                raise FaultError(f"{self.name}: there is no rule on {crossing.way}")
            if crossing.dialled is not None:
                self._verify_way(crossing.way, crossing.dialled, rule)

    def heal(self) -> None:
        """Remove the rules."""
        while self._rules:
            self._link.remove(self._rules.popitem()[1])

    def probes(self, there: Collection[Address]) -> list[Probe]:
        """Probe each direction to a living daemon once; record the results as observations."""
        dialled = [(each.way, each.dialled) for each in self._crossings if each.dialled in there]
        return [self._probe(way, place, SLOW_BOUND_S) for way, place in dialled if place is not None]

    def _verify_way(self, way: Way, dialled: Address, rule: int) -> None:
        before = self._link.hits(rule)
        probe = self._probe(way, dialled, SLOW_BOUND_S if self._effect.shapes else SILENCE_S)
        counted = self._link.hits(rule) - before
        if not counted:
            raise FaultError(f"{self.name}: its rule on {way} did not meet a probe to {dialled.url}, which {probe}")
        if complaint := self._complaint(way, probe):
            raise FaultError(f"{self.name}: {complaint}: a probe from {way.source} to {dialled.url} {probe}")

    def _complaint(self, way: Way, probe: Probe) -> str | None:
        effect = self._effect
        if not effect.shapes:
            expected = Verdict.BROKEN if effect.reset else Verdict.SILENT
            return None if probe.verdict is expected else f"expected {expected}"
        if probe.verdict is not Verdict.PASSED:
            return "a slow link must let a probe pass"
        least_s = effect.delay_ms / 1000
        if effect.bytes_per_s and Way(way.destination, way.source) in self._rules:
            least_s += probe.bytes_received / effect.bytes_per_s  # the response travels in the other direction
        return None if probe.elapsed_s >= least_s else f"expected at least {least_s:.3f} s"

    def _probe(self, way: Way, dialled: Address, within_s: float) -> Probe:
        probe = self._link.probe(way.source, dialled, within_s=within_s)
        self._journal.observe(
            "probe", source=way.source, dialled=dialled.url, verdict=probe.verdict, elapsed_s=round(probe.elapsed_s, 4)
        )
        return probe
