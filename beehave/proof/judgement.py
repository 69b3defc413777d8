"""The judgement of runs against a seed: whether they caught it. Pure functions from reports to verdicts.

A seed is caught when a step that judges the product fails, twice. A crash at start-up, a broken step (any exception
but an AssertionError), a leak found after the scenario, or a run that had to be ended do not count: these would happen
on any product that is wrong in some way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from beehave.audit.project import scenario_id
from beehave.daemons import IS_READY
from beehave.report.report import RunReport, ScenarioReport


class Mark(StrEnum):
    """How one scenario ended; of the rows of one outline, the earliest in this order counts."""

    RED = "red"
    """A step failed by an assertion."""
    START_UP = "start_up"
    """A daemon never became ready, so nothing was judged."""
    BROKEN = "broken"
    """A step or hook raised an exception other than AssertionError."""
    AT_END = "at_end"
    """Every step passed, and the scenario failed for what it left behind."""
    UNFINISHED = "unfinished"
    """The run was ended in its middle."""
    GREEN = "green"
    SKIPPED = "skipped"


class Verdict(StrEnum):
    """The verdict on a seed."""

    CAUGHT = "caught"
    FLAKY = "flaky"
    """Red once of two times: uncaught."""
    MISSED = "missed"
    """Every scenario stayed green."""
    LEAK_ONLY = "leak only"
    START_UP = "crash at start-up"
    BROKEN = "broken step"
    TIMEOUT = "harness timeout"
    """The run took longer than its bound, and was ended."""
    BROKE_OFF = "run broke off"
    """behave ended in the middle, or ran nothing."""
    NOT_JUDGED = "cannot be judged here"
    """Every scenario that should fail is skipped on this machine."""
    UNNAMED = "no scenario"
    """The seed names no scenario."""
    NEVER_RUN = "never run"


COUNTING = {
    "step": frozenset({Mark.RED}),
    "leak": frozenset({Mark.RED, Mark.AT_END}),
    "start_up": frozenset({Mark.RED, Mark.START_UP}),
}
"""The endings that catch a seed, by its `caught_as`."""
_ALONE = {Mark.START_UP: Verdict.START_UP, Mark.BROKEN: Verdict.BROKEN, Mark.AT_END: Verdict.LEAK_ONLY}


@dataclass(frozen=True)
class Ending:
    """The end of one scenario in one run."""

    scenario: str
    mark: Mark
    seconds: float = 0.0
    step: str = ""
    """Keyword and sentence of the step that failed."""
    step_type: str = ""
    sentence: str = ""
    message: str = ""
    """The step's error, or why the scenario was skipped or failed as a whole."""


@dataclass(frozen=True)
class Run:
    """One child run of behave, judged."""

    endings: Mapping[str, Ending] = field(default_factory=dict)
    timed_out: bool = False
    seconds: float = 0.0
    complaint: str = ""
    """behave's last output lines, when it ran none of the scenarios."""

    def marked(self, marks: Iterable[Mark]) -> list[Ending]:
        """Return the scenarios that ended in one of these ways."""
        wanted = set(marks)
        return [ending for ending in self.endings.values() if ending.mark in wanted]


def endings_of(report: RunReport, wanted: Sequence[str]) -> dict[str, Ending]:
    """Return how each selected scenario ended; one that never began is unfinished."""
    found: dict[str, Ending] = {}
    order = list(Mark)
    for scenario in report.scenarios:
        ending = ending_of(scenario)
        known = found.get(ending.scenario)
        if known is None or order.index(ending.mark) < order.index(known.mark):
            found[ending.scenario] = ending
    return {name: found.get(name, Ending(name, Mark.UNFINISHED, message="it never began")) for name in wanted}


def ending_of(scenario: ScenarioReport) -> Ending:
    """Return how one scenario ended."""
    name = scenario_id(scenario.location.rpartition(":")[0], scenario.name)
    seconds = scenario.duration_ms / 1000
    # The first step that did not pass decides; behave skips all after it.
    fallen = next((step for step in scenario.steps if step["status"] not in {"passed", "skipped", "untested"}), None)
    if fallen is None:
        mark = {
            "passed": Mark.GREEN,
            "skipped": Mark.SKIPPED,
            "failed": Mark.AT_END,
            "cleanup_error": Mark.AT_END,
            "unfinished": Mark.UNFINISHED,
        }.get(scenario.status, Mark.BROKEN)
        return Ending(name, mark, seconds, message=scenario.reason)
    error = fallen["error"] or ""
    return Ending(
        name,
        _mark_of_step(fallen["status"], error),
        seconds,
        f"{fallen['keyword']} {fallen['sentence']}",
        fallen["type"],
        fallen["sentence"],
        error,
    )


def _mark_of_step(status: str, error: str) -> Mark:
    if status != "failed":  # behave uses `failed` for an AssertionError only
        return Mark.BROKEN
    return Mark.START_UP if IS_READY in error else Mark.RED


def to_repeat(first: Run, caught_as: str) -> list[str]:
    """Return the scenarios that caught the seed once, and must do so again."""
    return [] if first.timed_out else [ending.scenario for ending in first.marked(COUNTING[caught_as])]


def judge(first: Run, second: Run | None, caught_as: str = "step", *, once: bool = False) -> Verdict:
    """Return the verdict on a seed.

    Args:
        first: the run of all its scenarios.
        second: the run of those in `to_repeat`; None when there were none.
        caught_as: the kind of failure that the seed is about.
        once: whether the first run alone decides.
    """
    if first.timed_out or (second is not None and second.timed_out):
        return Verdict.TIMEOUT
    if to_repeat(first, caught_as):
        return Verdict.CAUGHT if once or red_in_all(first, second, caught_as) else Verdict.FLAKY
    marks = {ending.mark for ending in first.endings.values()}
    if marks <= {Mark.SKIPPED}:
        return Verdict.NOT_JUDGED
    if Mark.UNFINISHED in marks:
        return Verdict.BROKE_OFF
    return next((verdict for mark, verdict in _ALONE.items() if mark in marks), Verdict.MISSED)


def red_in_all(first: Run, second: Run | None, caught_as: str) -> list[str]:
    """Return the scenarios that caught the seed in both runs."""
    once = to_repeat(first, caught_as)
    again = set() if second is None else {ending.scenario for ending in second.marked(COUNTING[caught_as])}
    return [name for name in once if name in again]
