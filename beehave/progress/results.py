"""Results of scenarios: how they ended in the last run, and which of them a seeded bug turned red."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from behave.model import Scenario
from pydantic import BaseModel, ValidationError

from beehave.audit.project import scenario_id
from beehave.errors import HarnessError
from beehave.proof.results import tree_of
from beehave.report.report import RunReport, ScenarioReport, read_run
from beehave.session import JOURNAL_NAME, REPORTS
from beehave.settings import load_settings

LAST_RUN = Path(REPORTS) / "last"
PROOF_FILE = Path(REPORTS) / "proof" / "last.json"
PROVE = "`beehave prove`"


@dataclass(frozen=True)
class Result:
    """How one scenario ended."""

    status: str
    """behave's status; `not run`; or `changed` when its steps have changed since the run."""
    reason: str = ""
    """Why it was skipped, or is not counted."""

    @property
    def ran(self) -> bool:
        """Whether its present steps were run."""
        return self.status not in {"not run", "changed", "skipped", "untested"}


NOT_RUN = Result("not run")


class RunResults:
    """The scenarios of one run, from its journal alone."""

    def __init__(self, run: RunReport) -> None:
        self.summary = f"{run.journal.parent.resolve().name}: {run.verdict}"
        self._scenarios: dict[str, list[ScenarioReport]] = {}
        for each in run.scenarios:
            file = each.location.rpartition(":")[0]
            self._scenarios.setdefault(scenario_id(file, each.name), []).append(each)

    def of(self, key: str, scenario: Scenario) -> Result:
        """Return how a scenario ended; of several results in one run, the worst one."""
        seen = self._scenarios.get(key, [])
        if not seen:
            return NOT_RUN
        worst = next((each for each in seen if each.status != "passed"), seen[-1])
        if worst.status == "passed":
            sentences = [step.name for step in scenario.all_steps]
            if [step["sentence"] for step in worst.steps] != sentences:
                return Result("changed", "its steps are not those that were run: run it again")
        return Result(worst.status, worst.reason)


def run_results(folder: Path, run: Path | None = None) -> RunResults | None:
    """Return the results of a run's folder or journal, by default of the last run; None when there was none yet.

    Raises:
        HarnessError: the given run has no journal.
    """
    path = run or folder / LAST_RUN
    path = path / JOURNAL_NAME if path.is_dir() else path
    if not path.is_file():
        if run is None:
            return None
        raise HarnessError(f"no journal at {path}: name a run's folder below {REPORTS}/")
    return RunResults(read_run(path))


class _Red(BaseModel):
    scenario: str


class _Seed(BaseModel):
    caught: bool
    stale: bool = False
    reds: list[_Red] = []


class _Proof(BaseModel):
    at: str = ""
    tree: str = ""
    seeds: dict[str, _Seed]


@dataclass(frozen=True)
class ProofResults:
    """The results of the last proof."""

    summary: str
    """Its time and numbers, and whether the code has changed since."""
    proven: set[str]
    """The scenarios that a caught seed has turned red."""


def proof_results(folder: Path) -> ProofResults | None:
    """Return the results of the last proof, or None when there was none yet.

    Raises:
        HarnessError: its file is not a proof.
    """
    path = folder / PROOF_FILE
    if not path.is_file():
        return None
    try:
        proof = _Proof.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise HarnessError(f"{PROOF_FILE} is not what {PROVE} writes: {error}") from error
    counting = [seed for seed in proof.seeds.values() if seed.caught and not seed.stale]
    reds = [red.scenario.partition("::") for seed in counting for red in seed.reds]
    summary = f"{proof.at or 'at some time'}: {len(counting)} of {len(proof.seeds)} seeds caught"
    if proof.tree != tree_of(folder, load_settings(folder, {}).proof.judged):
        summary += f"; daemons, steps or features have changed since: run {PROVE} again"
    return ProofResults(summary, {scenario_id(file, name) for file, _, name in reds})
