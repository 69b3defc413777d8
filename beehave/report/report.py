"""The report of a run, made from its journal alone, so that a run that was killed has one too."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from beehave.journal import read
from beehave.report.timings import Measured, gather

REPORT_NAME = "report.html"
SLOWEST_SHOWN = 10


@dataclass
class ScenarioReport:
    """One scenario as the journal has it."""

    name: str
    feature: str
    location: str
    tags: list[str]
    status: str = "unfinished"
    """How it ended; a scenario without an end in the journal was running when the run was killed."""
    duration_ms: float = 0.0
    reason: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    """Processes, signals and leaks, in their order."""
    observations: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing about it needs attention."""
        return self.status in {"passed", "skipped"}


@dataclass
class RunReport:
    """One run as its journal has it."""

    journal: Path
    started: dict[str, Any]
    ended: dict[str, Any] | None
    scenarios: list[ScenarioReport]
    measured: dict[str, list[Measured]]
    """By feature: the times that its scenarios took, beside their bounds."""

    @property
    def statuses(self) -> dict[str, int]:
        """How many scenarios ended in each way."""
        return dict(Counter(scenario.status for scenario in self.scenarios))

    @property
    def features(self) -> dict[str, list[ScenarioReport]]:
        """The scenarios by feature, in the order in which they ran."""
        grouped: dict[str, list[ScenarioReport]] = {}
        for scenario in self.scenarios:
            grouped.setdefault(scenario.feature, []).append(scenario)
        return grouped

    @property
    def verdict(self) -> str:
        """One word: `passed`, `failed`, or `killed` for a run whose journal has no end."""
        if self.ended is None:
            return "killed"
        return str(self.ended.get("verdict", "failed"))

    @property
    def problems(self) -> list[str]:
        """What was wrong with the run as a whole: leaks of features and hooks, a signal that ended it."""
        if self.ended is None:
            return []
        reason = self.ended.get("reason")
        return [*self.ended.get("problems", []), *([reason] if reason else [])]

    @property
    def slowest(self) -> list[ScenarioReport]:
        """The scenarios that took longest, the longest first."""
        return sorted(self.scenarios, key=lambda scenario: -scenario.duration_ms)[:SLOWEST_SHOWN]


def read_run(journal: Path) -> RunReport:
    """Return the run that a journal describes; a journal that stops in the middle is read up to there."""
    started: dict[str, Any] = {}
    ended: dict[str, Any] | None = None
    scenarios: list[ScenarioReport] = []
    figures: list[tuple[str, dict[str, Any]]] = []
    current: ScenarioReport | None = None
    for event in read(journal):
        match event["kind"]:
            case "run_started":
                started = event
            case "run_ended":
                ended = event
            case "figure":
                # The events of a run are in order: what comes between a scenario's start and end belongs to it.
                figures.append((current.feature if current else "", event))
            case "scenario_started":
                current = ScenarioReport(
                    event["scenario"], event["feature"], event["location"], list(event.get("tags", []))
                )
                scenarios.append(current)
            case "scenario_ended" if current is not None:
                current.status = event["status"]
                current.duration_ms = event.get("duration_ms", 0.0)
                current.reason = event.get("reason") or ""
                current = None
            case "step" if current is not None:
                current.steps.append(event)
            case "observation" if current is not None:
                current.observations += 1
            case "process_started" | "process_exited" | "signal" | "fault" | "heal" | "leak" | "note" if current:
                current.events.append(event)
            case _:
                pass
    return RunReport(journal, started, ended, scenarios, gather(figures))


def write_report(journal: Path) -> Path:
    """Write the report beside the journal and return its path."""
    environment = Environment(
        loader=PackageLoader("beehave.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    html = environment.get_template("report.html.j2").render(run=read_run(journal))
    path = journal.with_name(REPORT_NAME)
    path.write_text(html, encoding="utf-8")
    return path


def summary_lines(journal: Path) -> list[str]:
    """Return what to print at the end of a run: counts, skipped scenarios with their reasons, where the report lies."""
    run = read_run(journal)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(run.statuses.items())) or "no scenario"
    lines = [f"beehave: {run.verdict}: {counts}"]
    lines += [f"  skipped: {s.name}: {s.reason}" for s in run.scenarios if s.status == "skipped"]
    lines += [f"  {s.status}: {s.location}  {s.name}" for s in run.scenarios if not s.good]
    lines += [f"  {problem}" for problem in run.problems]
    for feature, measured in run.measured.items():
        lines += [f"  {feature}:", *(f"    {each.name}: {each.text}" for each in measured)]
    if "seed" in run.started:
        seed = run.started["seed"]
        lines.append(f"  seed: {seed} (the same random choices again: -D seed={seed})")
    report = journal.with_name(REPORT_NAME)
    if report.exists():
        here = Path.cwd()
        lines.append(f"report: {report.relative_to(here) if report.is_relative_to(here) else report}")
    return lines
