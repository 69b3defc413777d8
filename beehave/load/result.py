"""The result of a run of the generator, and the conclusion from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from beehave.load.plan import Pace
from beehave.load.recorder import Summary

LAG_SHARE = 0.10
"""A generator whose lag exceeds this share of a bound did not offer the planned load."""
OTHERS_SHARE = 0.5
"""Other processes that used more than half of the machine left the daemons, on two cores, less than one core."""

CLIENT_TIMEOUT = "no answer in time"
CONNECTION = "connection"
LATE_MARKS = (CLIENT_TIMEOUT, CONNECTION, "408", "504", "deadline_exceeded", "stalled")
"""Beginnings or parts of the kinds of errors that mean a timeout or a broken connection."""


class LoadResult(BaseModel):
    """One run of the generator, as its result file has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pace: Pace
    rate_per_s: float
    planned: int
    seed: int
    complete: bool
    """False when a signal stopped it before all was sent and answered."""
    seconds: float
    """From the first intended send to the last answer."""
    answered: int
    """The number of complete, correct responses; everything else is in `errors`."""
    errors: dict[str, int]
    in_flight_max: int
    """The greatest number of requests in flight at one moment."""
    tokens: int
    latency: Summary
    """From the intended send to the last byte. A failed request counts with its timeout at least: a quick error must
    not make the product look fast."""
    lag: Summary
    """How much later than intended the requests were sent."""
    first_token: Summary
    """From the intended send; streams only."""
    between_tokens: Summary

    @property
    def late_or_cut_off(self) -> dict[str, int]:
        """The errors that are timeouts, deadlines or broken connections."""
        return {kind: count for kind, count in self.errors.items() if any(mark in kind for mark in LATE_MARKS)}

    def short(self) -> str:
        """Return the figures for one line of a report."""
        return (
            f"{self.answered} of {self.planned} answered, {self.pace} schedule of {self.rate_per_s:.1f}/s; from the "
            f"intended send: mean {self.latency.mean_ms:.1f}, p99 {self.latency.p99_ms:.1f}, max "
            f"{self.latency.max_ms:.1f} ms; generator's lag p99 {self.lag.p99_ms:.1f} ms"
        )

    def text(self) -> str:
        """Return the result as text, with all that is needed to trust a percentile."""
        errors = ", ".join(f"{count} x {kind}" for kind, count in sorted(self.errors.items())) or "none"
        how = (
            f"one after the other for {self.seconds:.1f} s"
            if self.pace is Pace.CLOSED
            else f"on a {self.pace} schedule of {self.rate_per_s:.1f}/s (seed {self.seed}) in {self.seconds:.1f} s"
        )
        start = "the actual send" if self.pace is Pace.CLOSED else "the intended send"
        lines = [
            f"{self.answered} answers to {self.planned} requests {how}" + ("" if self.complete else ", stopped early"),
            f"latency from {start}: {self.latency.text()}",
            f"errors: {errors}",
            f"the generator's own lag: {self.lag.text()}",
        ]
        if self.first_token.n:
            lines.append(f"first token: {self.first_token.text()}; between tokens: {self.between_tokens.text()}")
        return "; ".join(lines)


@dataclass(frozen=True)
class Bounds:
    """Upper bounds of the latencies, in milliseconds."""

    mean_ms: float
    p99_ms: float


class VerdictKind(StrEnum):
    """The possible conclusions."""

    GOOD = "good"
    BAD = "bad"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """A conclusion and its reason."""

    kind: VerdictKind
    reason: str

    def __str__(self) -> str:
        """Return conclusion and reason as text."""
        return f"{self.kind}: {self.reason}"


def judge(result: LoadResult, bounds: Bounds, *, others_share: float = 0.0) -> Verdict:
    """Return the conclusion about the bounds.

    Errors and missing responses are bad however slow the machine was. A generator that lagged proves nothing, neither
    good nor bad. Other processes on the machine can only make latencies worse: bounds that were kept beside them hold,
    bounds that were exceeded beside them prove nothing.

    Args:
        result: the run.
        bounds: the upper bounds of the latencies.
        others_share: the share of the machine's CPU that other processes used, 0 to 1.
    """
    if result.errors or not result.complete or result.answered != result.planned:
        return Verdict(VerdictKind.BAD, f"only {result.answered} of {result.planned} were answered: {result.errors}")
    if slow := lagged(result.lag, bounds):
        return Verdict(VerdictKind.INCONCLUSIVE, f"the machine was too slow: {slow}")
    pairs = (("mean", result.latency.mean_ms, bounds.mean_ms), ("p99", result.latency.p99_ms, bounds.p99_ms))
    missed = [f"{name} {value:.1f} ms, not under {bound:.0f} ms" for name, value, bound in pairs if value >= bound]
    if missed and others_share > OTHERS_SHARE:
        why = f"other processes used {others_share:.0%} of its CPU, and the bounds were missed ({'; '.join(missed)})"
        return Verdict(VerdictKind.INCONCLUSIVE, f"the machine was too slow: {why}")
    if missed:
        return Verdict(VerdictKind.BAD, "; ".join(missed))
    return Verdict(VerdictKind.GOOD, "the bounds hold")


def lagged(lag: Summary, bounds: Bounds) -> str:
    """Return how the generator's lag is over a tenth of a bound, mean by mean and p99 by p99; empty when it is not."""
    pairs: Mapping[str, tuple[float, float]] = {
        "mean": (lag.mean_ms, bounds.mean_ms),
        "p99": (lag.p99_ms, bounds.p99_ms),
    }
    return "; ".join(
        f"the generator's own lag has a {name} of {value:.1f} ms, over {LAG_SHARE:.0%} of the bound of {bound:.0f} ms"
        for name, (value, bound) in pairs.items()
        if value > LAG_SHARE * bound
    )
