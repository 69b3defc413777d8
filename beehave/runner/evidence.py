"""The evidence rule: a `Then` observes the product while it runs, and asserts something about what it observed.

A `Then` (or an `And` or `But` after one) that records no observation judges only stored values; one that executes no
`assert` judges nothing. Both would stay green whatever the product does, so both fail.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from beehave.journal import Journal

TraceFunction = Callable[[FrameType, str, Any], Any]


class EvidenceError(AssertionError):
    """A `Then` without evidence; behave shows it as a failed step."""


@dataclass
class Evidence:
    """What one step has observed and asserted so far."""

    observations: int = 0
    checks: int = 0
    """Conditions that kit or driver asserted for the step (`journal.checked`)."""
    assertions: int = 0
    """`assert` statements of steps/ that were executed, counted by line."""

    def shortfall(self) -> str | None:
        """Return what evidence is missing and how to add it, None when nothing is missing."""
        if not self.observations:
            return (
                "This Then made no observation: nothing in it looked at the product, so it would pass whatever the "
                "product does. Look in this very step, through a helper of the driver that records what it saw with "
                "journal.observe(...): an HTTP answer, an exit status, a file, /proc, a log line."
            )
        if not self.checks and not self.assertions:
            return (
                "This Then asserted nothing: it looked at the product and accepted whatever it saw. Put "
                '`assert seen == expected, "what was expected, what came"` into the step function, or call a helper '
                "of the driver that ends in journal.checked(...)."
            )
        return None


class AssertionTrace:
    """Counts executed `assert` statements in the files of some folders, in the calling thread.

    Only lines of files below these folders are traced; any other function costs one call on its entry.
    """

    def __init__(self, folders: list[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]
        self._lines_of_code: dict[str, frozenset[int]] = {}

    @contextmanager
    def counting_into(self, evidence: Evidence) -> Iterator[None]:
        """Count within the block; a trace function that was there before (a debugger, coverage) goes on."""
        before: Any = sys.gettrace()
        sys.settrace(self._tracer(evidence, before))
        try:
            yield
        finally:
            sys.settrace(before)

    def _tracer(self, evidence: Evidence, before: TraceFunction | None) -> TraceFunction:
        def enter(frame: FrameType, event: str, argument: Any) -> Any:
            other = before(frame, event, argument) if before else None
            lines = self._assert_lines(frame.f_code.co_filename)
            return within(lines, other) if lines else other

        def within(lines: frozenset[int], other: TraceFunction | None) -> TraceFunction:
            def trace(frame: FrameType, event: str, argument: Any) -> Any:
                nonlocal other
                if other:
                    other = other(frame, event, argument)
                if event == "line" and frame.f_lineno in lines:
                    evidence.assertions += 1
                return trace

            return trace

        return enter

    def _assert_lines(self, filename: str) -> frozenset[int]:
        known = self._lines_of_code.get(filename)
        if known is None:
            path = Path(filename).resolve()  # behave compiles step files under relative names
            traced = any(path.is_relative_to(folder) for folder in self._folders) and path.is_file()
            known = assert_lines(path.read_text(encoding="utf-8")) if traced else frozenset()
            self._lines_of_code[filename] = known
        return known


def assert_lines(source: str) -> frozenset[int]:
    """Return the lines of all `assert` statements whose condition is not constant.

    `assert True` or `assert 1 < 2` says nothing about the product and does not count.
    """
    return frozenset(
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assert) and any(isinstance(part, ast.Name) for part in ast.walk(node.test))
        for line in range(node.lineno, (node.test.end_lineno or node.lineno) + 1)
    )


@contextmanager
def gathered(journal: Journal, trace: AssertionTrace) -> Iterator[Evidence]:
    """Collect the evidence of the step that runs within the block.

    Raises:
        EvidenceError: the block ended without an error and without enough evidence.
    """
    evidence = Evidence()
    observations, checks = journal.observations, journal.checks
    with trace.counting_into(evidence):
        yield evidence
    evidence.observations = journal.observations - observations
    evidence.checks = journal.checks - checks
    if shortfall := evidence.shortfall():
        raise EvidenceError(shortfall)
