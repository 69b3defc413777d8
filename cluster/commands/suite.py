"""Running the suite and the checks around it as child processes, and counting what really ran."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from beehave.command_line import behave_command, environment
from beehave.journal import read
from beehave.output import say
from beehave.runner.interruption import let_children_take_signals
from beehave.session import JOURNAL_NAME
from cluster.commands.shards import run_shards

SHUFFLED_RUNS = 3
"""How often the nightly job runs the features, each time in another order."""


AUDITS = ("stubs", "duplicates", "progress")
"""Commands that look at features and steps without running them."""
STAND_INS = ("null", "silent")
"""Products on which nothing may stay green."""
JOBS = ["-j", "2"]
"""Proofs wait more than they work: two at once keep two cores busy."""


@dataclass(frozen=True)
class Outcome:
    """How many single checks of one kind passed, failed and were skipped."""

    name: str
    passed: int
    failed: int
    skipped: int = 0


def run_everything(folder: Path, *, no_sandbox: bool, nightly: bool) -> int:
    """Run lint, types, audits, unit tests, features and proof, each whatever became of the others; 0 when none failed.

    The last line is `N passed, M failed`, with `, K skipped` when scenarios or tests were skipped.
    """
    let_children_take_signals()
    outcomes = [
        _tool("lint", ["ruff", "check", "."], folder),
        _tool("format", ["ruff", "format", "--check", "."], folder),
        _tool("types", ["mypy"], folder),
        *(_tool(audit, ["beehave", audit], folder) for audit in AUDITS),
        _unit_tests(folder, no_sandbox=no_sandbox),
    ]
    orders: list[int | None] = [None]
    if nightly:
        orders = [secrets.randbelow(1_000_000) for _ in range(SHUFFLED_RUNS)]
    outcomes += [_features(folder, no_sandbox=no_sandbox, nightly=nightly, shuffle=order) for order in orders]
    sandbox = ["--no-sandbox"] if no_sandbox else []
    outcomes.append(_proof(folder, [*sandbox, *([] if nightly else ["--fast"])]))
    if nightly:
        outcomes += [_tool(what, ["beehave", "prove", f"--{what}", *JOBS, *sandbox], folder) for what in STAND_INS]
    say("")
    for outcome in outcomes:
        skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
        say(f"{outcome.name:>10}: {outcome.passed} passed, {outcome.failed} failed{skipped}")
    passed, failed, skipped_in_all = (
        sum(getattr(outcome, kind) for outcome in outcomes) for kind in ("passed", "failed", "skipped")
    )
    tail = f", {skipped_in_all} skipped" if skipped_in_all else ""
    say(f"{passed} passed, {failed} failed{tail}")
    return 1 if failed or not passed else 0


def _tool(name: str, command: list[str], folder: Path) -> Outcome:
    say(f"-- {name}: {' '.join(command)}")
    status = subprocess.run([sys.executable, "-m", *command], cwd=folder, check=False).returncode
    return Outcome(name, passed=int(status == 0), failed=int(status != 0))


def _unit_tests(folder: Path, *, no_sandbox: bool) -> Outcome:
    say("-- unit tests: pytest, in two processes")
    extra = {"BEEHAVE_SANDBOX": "off"} if no_sandbox else {}
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) / "pytest.xml"
        status = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "2", f"--junitxml={results}"],
            cwd=folder,
            env=environment() | extra,
            check=False,
        ).returncode
        if not results.exists():
            return Outcome("unit tests", passed=0, failed=1)
        suite = ElementTree.parse(results).getroot().find("testsuite")  # noqa: S314 - pytest wrote it just now
    if suite is None:
        return Outcome("unit tests", passed=0, failed=1)
    count = {kind: int(suite.get(kind, "0")) for kind in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    return Outcome("unit tests", passed, max(failed, int(status != 0)), count["skipped"])


def _features(folder: Path, *, no_sandbox: bool, nightly: bool, shuffle: int | None) -> Outcome:
    order = [] if shuffle is None else ["-D", f"shuffle={shuffle}"]
    say(f"-- features, in shards at once: behave {' '.join(order)}".rstrip())
    arguments = ["--format", "progress3", "--no-color", *order]
    command = behave_command(arguments, no_sandbox=no_sandbox, nightly=nightly)
    run_folder, good = run_shards(folder, command, environment())
    statuses = Counter(
        event["status"] for event in read(run_folder / JOURNAL_NAME) if event["kind"] == "scenario_ended"
    )
    skipped = statuses.pop("skipped", 0)
    passed = statuses.pop("passed", 0)
    return Outcome("features", passed, max(statuses.total(), int(not good)), skipped)


def _proof(folder: Path, options: list[str]) -> Outcome:
    """Prove seeds; each that is caught counts as passed, and with all of them each Then sentence seen red as well."""
    say(f"-- proof: beehave prove {' '.join(options)}")
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) / "proof.json"
        command = [sys.executable, "-m", "beehave", "prove", *JOBS, *options, "--json", str(results)]
        status = subprocess.run(command, cwd=folder, env=environment(), check=False).returncode
        if not results.exists():
            return Outcome("proof", passed=0, failed=1)
        caught = [bool(seed["caught"]) for seed in json.loads(results.read_text(encoding="utf-8"))["seeds"].values()]
    return Outcome("proof", sum(caught), max(caught.count(False), int(status != 0)))
