"""The times that a run's scenarios measured, by feature, beside their bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Measured:
    """All times of one kind."""

    name: str
    bounds_ms: list[float] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    why: str = ""
    texts: list[str] = field(default_factory=list)
    """The details of measurements of more than one value, such as a load's latencies."""

    def add(self, figure: dict[str, Any]) -> None:
        """Add one `figure` event of a journal."""
        if "text" in figure:
            self.texts.append(figure["text"])
            return
        self.took_ms.append(figure["took_ms"])
        self.bounds_ms.append(figure["bound_ms"])
        self.why = figure["why"]

    @property
    def text(self) -> str:
        """The range of the times, how many there were, and the range of their bounds."""
        if not self.took_ms:
            return "; ".join(self.texts)
        times = f" ({len(self.took_ms)} times)" if len(self.took_ms) > 1 else ""
        return f"{_span(self.took_ms)} ms{times}, bound {_span(self.bounds_ms)} ms: {self.why}"


def gather(figures: list[tuple[str, dict[str, Any]]]) -> dict[str, list[Measured]]:
    """Return the measured times by feature and name, in the order of first appearance."""
    features: dict[str, dict[str, Measured]] = {}
    for feature, figure in figures:
        named = features.setdefault(feature, {})
        named.setdefault(figure["name"], Measured(figure["name"])).add(figure)
    return {feature: list(named.values()) for feature, named in features.items()}


def _span(values_ms: list[float]) -> str:
    least, greatest = min(values_ms), max(values_ms)
    return f"{least:.0f}" if round(least) == round(greatest) else f"{least:.0f} to {greatest:.0f}"
