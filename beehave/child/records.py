"""The records of a child run of behave: its output, journal, report and JUnit files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from beehave.audit.project import plain_name
from beehave.faults.base import FaultError
from beehave.journal import Journal, read
from beehave.report.report import REPORT_NAME, read_run
from beehave.session import JOURNAL_NAME, REPORTS

_HEADING = re.compile(r"<h1>beehave: <span[^>]*>(?P<verdict>\w+)</span></h1>")
"""The verdict at the head of an HTML report."""


@dataclass(frozen=True)
class ChildRecords:
    """Reads the records of one child run, and records each look in this run's own journal."""

    journal: Journal
    """The journal of this run, not of the child."""
    folder: Path
    """The folder of the child's project."""
    log: Path
    """The file with its output, both streams."""
    marker: str
    """The mark in the command lines of its daemons."""

    def output(self) -> str:
        """Return the output of behave, both streams."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def lines(self) -> list[str]:
        """Return the lines that the project's steps and cleanups have written, and record them as seen."""
        path = self.folder / "lines.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.journal.observe("lines of the project", lines=lines)
        return lines

    def seen_output(self) -> str:
        """Return the output of behave, recorded as an observation."""
        output = self.output()
        self.journal.observe("output of behave", end=output[-1000:])
        return output

    def statuses(self) -> dict[str, str]:
        """Return how each scenario ended, by name, from the child's own journal."""
        found = {event["scenario"]: event["status"] for event in self._events("scenario_ended")}
        self.journal.observe("scenarios of the child", statuses=found)
        return found

    def skip_reasons(self) -> dict[str, str]:
        """Return the reasons of skips by scenario; only those that both the journal and the output have."""
        output = self.seen_output()
        ended = [event for event in self._events("scenario_ended") if event["status"] == "skipped"]
        found = {event["scenario"]: str(event["reason"]) for event in ended if str(event["reason"]) in output}
        self.journal.observe("reasons of skips", reasons=found)
        return found

    def leaks_shown(self, kind: str, details: list[str]) -> list[str]:
        """Return the leaks of one kind that the output names with all of these details.

        Args:
            kind: the kind of leak, as in the census.
            details: any of `PID`, `marker` (of the command line), `port`, `path`.
        """
        output = self.seen_output()
        wanted = {"PID": r"\bpid \d+", "marker": self.marker, "port": r":\d+,", "path": r"/"}
        leaks = [str(event["what"]) for event in self._events("leak") if event["leak"] == kind]
        self.journal.observe("leaks of the child", of_kind=kind, leaks=leaks)
        return [what for what in leaks if what in output and all(re.search(wanted[d], what) for d in details)]

    def refusals(self) -> dict[str, str]:
        """Return the messages of faults that had no effect (`FaultError`), by the name of the scenario or row."""
        report = read_run(self._journal_of_child)
        failures = {
            plain_name(each.name): step["error"] for each in report.scenarios for step in each.steps if step["error"]
        }
        found = {name: error.partition(f"{FaultError.__name__}: ")[2] for name, error in failures.items()}
        self.journal.observe("faults that the child refused", words=found)
        return found

    def report_verdict(self) -> str:
        """Return the verdict at the head of the child's report; `none` when there is no report."""
        report = self.folder / REPORTS / "last" / REPORT_NAME
        heading = _HEADING.search(report.read_text(encoding="utf-8")) if report.exists() else None
        shown = heading["verdict"] if heading else "none"
        self.journal.observe("report of the child", verdict=shown)
        return shown

    def junit(self) -> dict[str, list[str]]:
        """Return the texts of failures and errors in the JUnit files, by test case; none for one that passed."""
        found: dict[str, list[str]] = {}
        for path in sorted((self.folder / REPORTS).glob("TESTS-*.xml")):
            for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314 - a file that behave wrote just now
                problems = [problem for kind in ("failure", "error") for problem in case.findall(kind)]
                found[case.get("name", "")] = [_said(problem) for problem in problems]
        self.journal.observe("JUnit files of the child", problems=found)
        return found

    def _events(self, kind: str) -> list[dict[str, Any]]:
        if not self._journal_of_child.exists():  # it ended before it ran anything, which is for a Then to judge
            return []
        return [event for event in read(self._journal_of_child) if event["kind"] == kind]

    @property
    def _journal_of_child(self) -> Path:
        return self.folder / REPORTS / "last" / JOURNAL_NAME


def _said(problem: ElementTree.Element) -> str:
    return "\n".join([str(problem.get("message")), *problem.itertext()])
