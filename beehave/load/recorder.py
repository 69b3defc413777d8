"""Recorder of durations: an HDR histogram for the percentiles, exact sums for mean and maximum."""

from __future__ import annotations

from hdrh.histogram import HdrHistogram
from pydantic import BaseModel, ConfigDict

LOWEST_US = 1
HIGHEST_US = 120 * 1_000_000
"""Two minutes: four times the default deadline, twice the generator's own timeout."""
SIGNIFICANT_DIGITS = 3
"""A percentile is right to one part in a thousand."""


class Summary(BaseModel):
    """The recorded durations in summary, in milliseconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    clamped: int
    """How many were over two minutes: these count as two minutes in the percentiles, in full in mean and maximum."""

    def text(self) -> str:
        """Return the summary as text."""
        if not self.n:
            return "none"
        spread = (
            f"mean {self.mean_ms:.1f}, p50 {self.p50_ms:.1f}, p90 {self.p90_ms:.1f}, p99 {self.p99_ms:.1f}, "
            f"max {self.max_ms:.1f} ms (n={self.n})"
        )
        return spread + (f", {self.clamped} beyond the histogram" if self.clamped else "")


class Recorder:
    """Records durations. The histogram silently drops values out of its range, so these are clamped and counted."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(LOWEST_US, HIGHEST_US, SIGNIFICANT_DIGITS)
        self._sum_ms = 0.0
        self._max_ms = 0.0
        self._n = 0
        self._clamped = 0

    def add(self, milliseconds: float) -> None:
        """Record one duration; a negative one (two clocks read in the wrong order) counts as 0."""
        milliseconds = max(0.0, milliseconds)
        self._n += 1
        self._sum_ms += milliseconds
        self._max_ms = max(self._max_ms, milliseconds)
        microseconds = max(LOWEST_US, round(milliseconds * 1000))
        if microseconds > HIGHEST_US:
            self._clamped += 1
            microseconds = HIGHEST_US
        if not self._histogram.record_value(microseconds):
            raise RuntimeError(f"the histogram refused {microseconds} µs, which is in its range")

    def summary(self) -> Summary:
        """Return the summary so far; all zero when nothing was recorded."""
        return Summary(
            n=self._n,
            mean_ms=self._sum_ms / self._n if self._n else 0.0,
            p50_ms=self._percentile_ms(50),
            p90_ms=self._percentile_ms(90),
            p99_ms=self._percentile_ms(99),
            max_ms=self._max_ms,
            clamped=self._clamped,
        )

    def _percentile_ms(self, percentile: float) -> float:
        # The histogram returns the upper end of a bucket, which may exceed the greatest value recorded.
        return float(min(self._histogram.get_value_at_percentile(percentile) / 1000, self._max_ms)) if self._n else 0.0
