"""Reporters that add what behave's own leave out: leaks, failed hooks, reasons of skips."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from behave.configuration import Configuration
from behave.model import Feature, Scenario
from behave.model_type import Status
from behave.reporter.base import Reporter
from behave.reporter.junit import CDATA, ElementTreeWithCDATA, FeatureReportData, JUnitReporter


class FailureJUnitReporter(JUnitReporter):  # type: ignore[misc]  # behave has no types
    """JUnit XML in which nothing that failed appears as passed or skipped.

    behave's own writes no message for what a scenario left behind, and reports every scenario as skipped when
    `before_all` failed.
    """

    def __init__(self, config: Configuration, run_problems: list[str]) -> None:
        super().__init__(config)
        self.run_error: str | None = None
        """Why no scenario could be run; set by the runner."""
        self.run_problems = run_problems
        """What is wrong with the run as a whole; the runner adds to it."""

    def end(self) -> None:
        """Write an extra file for problems of the run as a whole, which belong to no feature."""
        super().end()
        if self.run_problems:
            case = ElementTree.Element(
                "testcase", classname="run", name="the end of the run", status="failed", time="0"
            )
            case.append(_element("error", "LeftBehindError", "\n".join(self.run_problems)))
            suite = ElementTree.Element("testsuite", name="run", tests="1", errors="1", failures="0", skipped="0")
            suite.append(case)
            folder = Path(self.config.junit_directory)
            folder.mkdir(parents=True, exist_ok=True)
            ElementTreeWithCDATA(suite).write(folder / "TESTS-run.xml", "UTF-8")

    def _process_run_items_for(self, parent: Any, report: FeatureReportData) -> None:
        super()._process_run_items_for(parent, report)
        if parent.status is Status.cleanup_error:
            name = f"the end of the {parent.type} {parent.name}"
            case = ElementTree.Element("testcase", classname=report.classname, name=name, time="0")
            case.append(_element("error", "LeftBehindError", str(parent.error_message)))
            report.testcases.append(case)
            report.counts_tests += 1
            report.counts_errors += 1

    def _process_scenario(self, scenario: Scenario, report: FeatureReportData) -> None:
        before = len(report.testcases)
        super()._process_scenario(scenario, report)
        for case in report.testcases[before:]:
            if scenario.status is Status.untested and self.run_error:
                for skipped in case.findall("skipped"):
                    case.remove(skipped)
                    report.counts_skipped -= 1
                report.counts_errors += 1
                case.set("status", Status.error.name)
                case.insert(0, _element("error", "RunError", self.run_error))
            elif scenario.skip_reason:
                for skipped in case.findall("skipped"):
                    skipped.set("message", str(scenario.skip_reason))
            elif scenario.error_message:
                self._complete(case, scenario)

    @staticmethod
    def _complete(case: ElementTree.Element, scenario: Scenario) -> None:
        """Add what the scenario left behind to the problem of its failed step; behave's own reports only one."""
        for problem in [*case.findall("failure"), *case.findall("error")]:
            if scenario.error_message not in "".join(problem.itertext()):
                problem.append(CDATA(scenario.error_message))


class ClosingLines(Reporter):  # type: ignore[misc]  # behave has no types
    """Repeats at the end of the output what no step shows: leaks, and errors in hooks."""

    def __init__(self, config: Configuration) -> None:
        super().__init__(config)
        self._lines: list[str] = []

    def feature(self, feature: Feature) -> None:
        """Collect from a feature that has ended."""
        for scenario in feature.walk_scenarios():
            if scenario.error_message:
                self._lines.append(f"{scenario.status.name}: {scenario.location} {scenario.name}")
                self._lines += [f"    {line}" for line in str(scenario.error_message).splitlines()]

    def end(self) -> None:
        """Print what was collected."""
        for line in self._lines:
            sys.stdout.write(line + "\n")


def install(config: Configuration, run_problems: list[str]) -> None:
    """Replace behave's reporters by these."""
    config.reporters = [
        FailureJUnitReporter(config, run_problems) if type(reporter) is JUnitReporter else reporter
        for reporter in config.reporters
    ]
    config.reporters.append(ClosingLines(config))


def junit_reporters(config: Configuration) -> list[FailureJUnitReporter]:
    """Return the JUnit reporter of a run, if it has one."""
    return [reporter for reporter in config.reporters if isinstance(reporter, FailureJUnitReporter)]


def _element(name: str, kind: str, message: str) -> Any:
    element = ElementTree.Element(name)
    element.set("type", kind)
    element.set("message", message.splitlines()[0] if message else "")
    element.append(CDATA(message))
    return element
