"""`beehave progress`: what its numbers come from, what moves them, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beehave import cli
from beehave.audit.project import load_project, scenario_id
from beehave.errors import HarnessError
from beehave.journal import Journal
from beehave.progress.manifest import MANIFEST_FILE, manifest_problems, write_manifest
from beehave.progress.measure import Progress, measure, regressions
from beehave.proof.results import tree_of

HERE = Path(__file__).parents[3]

FEATURE = "features/integration/multi_hive.feature"
ENDED, SHARED = "The other takes all when one is <ended>", "Requests are shared"
STOPPED, KILLED = "The other takes all when one is stopped", "The other takes all when one is killed"

FILES = {
    "beehave.toml": f"""
[families]
A1 = "{FEATURE}"
A9 = "features/integration/recovery.feature"
""",
    FEATURE: """
Feature: Several hives
  Background:
    Given 2 hives

  Scenario: Requests are shared
    When 10 requests are sent
    Then every request is answered

  Scenario Outline: The other takes all when one is <ended>
    When a hive is <ended>
    Then every request is answered

    Examples: in each way
      | ended   |
      | stopped |
      | killed  |
""",
    "features/integration/recovery.feature": """
Feature: Recovery
  Scenario: A queen comes back
    Given 1 hives
    When a hive is killed
    Then every request is answered
""",
    "steps/some_steps.py": """
from behave import given, then, when

@given("{count:d} hives")
def given_hives(context, count):
    pass  # TODO

@when("{count:d} requests are sent")
def when_sent(context, count):
    pass

@when("a hive is {ended}")
def when_ended(context, ended):
    pass

@then("every request is answered")
def then_answered(context):
    pass
""",
    "docs/behaviours.md": """
# Behaviours

## A1 Multi-hive

- A1.1 Requests are shared.
  - `Requests are shared`
- A1.2 One takes all when the other is gone.
  - `The other takes all when one is <ended>`

## A9 Recovery

- A9.1 A queen comes back.
  - `A queen comes back`
- A9.2 A hive comes back.

## G Security

- G.1 Nobody listens in.
""",
}


def ids(*names: str) -> list[str]:
    return [scenario_id(FEATURE, name) for name in names]


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_manifest(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record_run(folder: Path, endings: dict[str, tuple[str, str]]) -> None:
    """Write the journal of a run in which each scenario of FEATURE ended so, its steps as they stand now."""
    journal = Journal(folder / "reports" / "last" / "journal.ndjson")
    for number, scenario in enumerate(load_project(folder).scenarios()):
        if scenario.name.partition(" -- ")[0] not in endings:
            continue
        status, reason = endings[scenario.name.partition(" -- ")[0]]
        location = f"{scenario.filename}:{number}"
        journal.record("scenario_started", scenario=scenario.name, feature="F", location=location, tags=[])
        for step in scenario.all_steps if status != "skipped" else []:
            journal.record("step", keyword=step.keyword, sentence=step.name, status="passed", ms=1.0, error=None)
        journal.record("scenario_ended", scenario=scenario.name, status=status, duration_ms=1.0, reason=reason)
    journal.record("run_ended", verdict="passed", problems=[])
    journal.close()


def record_proof(
    folder: Path, *, tree: str | None = None, stale: str = "", **reds_by_seed: tuple[bool, list[str]]
) -> None:
    seeds = {
        name: {
            "family": "A1",
            "caught": caught,
            "stale": name == stale,
            "reds": [{"scenario": f"{FEATURE}::{red}", "step": "Then it holds", "message": "no"} for red in reds],
        }
        for name, (caught, reds) in reds_by_seed.items()
    }
    path = folder / "reports" / "proof" / "last.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(
            {
                "at": "noon",
                "tree": tree or tree_of(folder, ["daemons", "steps", "features"]),
                "seeds": seeds,
                "thens": {},
            }
        ),
        encoding="utf-8",
    )


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def measured(folder: Path) -> Progress:
    return measure(folder)[0]


def beehave(*arguments: str):
    return CliRunner().invoke(cli.app, ["progress", *arguments])


def test_what_is_counted(project):
    record_run(project, {SHARED: ("passed", ""), STOPPED: ("skipped", "no nft here"), KILLED: ("failed", "")})
    record_proof(project, one=(True, [SHARED, f"{KILLED} -- @1.2 in each way"]), two=(False, [STOPPED]))
    progress, problems = measure(project)
    assert problems == []
    a1, a9, everything = (progress.families[key] for key in ("A1", "A9", "all"))
    assert (a1.behaviours, a1.shown, a1.scenarios, a1.steps) == (2, 2, 3, 4)
    assert (a1.run, a1.passed, a1.skipped, a1.proven) == (2, 1, 1, 2)
    assert (a9.behaviours, a9.shown, a9.scenarios, a9.run, a9.proven) == (2, 1, 1, 0, 0)
    assert (everything.behaviours, everything.shown, everything.scenarios, everything.steps) == (5, 3, 4, 4)
    assert {key for key, each in progress.scenarios.items() if each.proven} == set(ids(SHARED, KILLED))


def test_the_text_says_what_is_missing_and_why(project):
    before = beehave().stdout
    assert "run: none yet" in before
    assert "not proven yet: run `beehave prove`" in before
    assert "no scenario yet: A9.2, G.1" in before
    record_run(project, {STOPPED: ("skipped", "no nft here"), KILLED: ("failed", "")})
    after = beehave().stdout
    assert f"skipped: {ids(STOPPED)[0]}: no nft here" in after
    assert f"failed: {ids(KILLED)[0]}" in after


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("count:d} hives", "number:d} hives"),
        ("pass  # TODO", "context.hives = count"),
        ("    pass\n\n@then", "    _log('sent')\n\n@then"),
        ("from behave", "def _log(what):\n    print(what)\n\nfrom behave"),
    ],
)
def test_rewording_a_step_moves_no_number(project, old, new):
    record_run(project, {SHARED: ("passed", "")})
    record_proof(project, one=(True, [SHARED]))
    before = measured(project)
    edit(project, "steps/some_steps.py", old, new)
    after = measured(project)
    assert (after.families, after.scenarios) == (before.families, before.scenarios)


def test_a_pass_counts_for_the_steps_that_were_run_and_no_others(project):
    record_run(project, {SHARED: ("passed", "")})
    edit(project, FEATURE, "When 10 requests", "When 1 requests")
    progress = measured(project)
    assert progress.scenarios[ids(SHARED)[0]].status == "changed"
    assert (progress.families["A1"].run, progress.families["A1"].passed) == (0, 0)


def test_a_scenario_that_failed_once_in_a_run_has_not_passed(project):
    record_run(project, {SHARED: ("failed", "")})
    record_run(project, {SHARED: ("passed", "")})
    assert measured(project).families["A1"].passed == 0


def test_a_stale_seed_proves_nothing(project):
    record_proof(project, one=(True, [SHARED]), two=(True, [STOPPED]), stale="one")
    progress = measured(project)
    assert progress.proof == "noon: 1 of 2 seeds caught"
    assert {key for key, each in progress.scenarios.items() if each.proven} == set(ids(STOPPED))


def test_a_proof_of_other_code_is_told(project):
    record_proof(project, tree="another", one=(True, [SHARED]))
    assert "have changed since: run `beehave prove` again" in beehave().stdout


def test_no_regression_against_itself(project):
    record_run(project, {SHARED: ("passed", "")})
    assert regressions(measured(project), measured(project)) == []


def test_what_a_baseline_had_is_named_when_it_is_no_more(project):
    record_run(project, dict.fromkeys((SHARED, STOPPED, KILLED), ("passed", "")))
    record_proof(project, one=(True, [SHARED]))
    baseline = measured(project)
    (project / "reports/last/journal.ndjson").unlink()
    record_run(
        project, {SHARED: ("passed", ""), STOPPED: ("skipped", "no nft here"), "A queen comes back": ("passed", "")}
    )
    record_proof(project, one=(True, [STOPPED]))
    edit(project, FEATURE, "      | killed  |\n", "")
    edit(project, "docs/behaviours.md", "  - `A queen comes back`\n", "")
    edit(project, "docs/behaviours.md", "- G.1 Nobody listens in.\n", "")
    shared, stopped, killed = ids(SHARED, STOPPED, KILLED)
    told = regressions(baseline, measured(project))
    assert told == [
        "A9.1: this behaviour has lost its scenarios: features/integration/recovery.feature::A queen comes back",
        "G.1: this behaviour is not listed any more: Nobody listens in.",
        f"{shared}: a seeded bug had turned it red, and now none does",
        f"{stopped}: it had passed, and now it is: skipped (no nft here)",
        f"{killed}: this scenario has vanished",
    ]


def test_compare_exits_1_and_names_the_regression(project):
    record_run(project, {SHARED: ("passed", "")})
    assert beehave("--save", "baseline.json").exit_code == 0
    assert beehave("--compare", "baseline.json").exit_code == 0
    record_run(project, {SHARED: ("failed", "")})
    result = beehave("--compare", "baseline.json", "--format", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"] == [f"{ids(SHARED)[0]}: it had passed, and now it is: failed"]


def test_a_baseline_is_overwritten_only_when_asked(project):
    assert beehave("--save", "baseline.json").exit_code == 0
    written = Path("baseline.json").read_bytes()
    record_run(project, {SHARED: ("passed", "")})
    refused = beehave("--save", "baseline.json")
    assert isinstance(refused.exception, HarnessError)
    assert "--force" in str(refused.exception)
    assert Path("baseline.json").read_bytes() == written
    beehave("--compare", "baseline.json")
    assert Path("baseline.json").read_bytes() == written
    assert beehave("--save", "baseline.json", "--force").exit_code == 0
    assert Path("baseline.json").read_bytes() != written


@pytest.mark.parametrize("content", [None, "{}", "no JSON"])
def test_a_baseline_that_is_none_is_an_error(project, content):
    if content is not None:
        Path("baseline.json").write_text(content, encoding="utf-8")
    assert isinstance(beehave("--compare", "baseline.json").exception, HarnessError)


def test_a_scenario_that_vanishes_is_an_error_that_says_what_to_do(project):
    edit(project, FEATURE, "      | killed  |\n", "")
    (told,) = measure(project)[1]
    assert told.startswith(f"{ids(KILLED)[0]}: this scenario has vanished")
    assert "--write-manifest" in told
    assert beehave().exit_code == 1
    assert beehave("--write-manifest").exit_code == 0
    assert beehave().exit_code == 0


def test_a_new_scenario_must_be_listed_in_the_manifest_and_shown_by_a_behaviour(project):
    edit(project, FEATURE, "  Scenario: Requests are shared\n", "  Scenario: Requests are lost\n")
    told = "\n".join(measure(project)[1])
    lost, shared = ids("Requests are lost", SHARED)
    assert f"A1.1: docs/behaviours.md names a scenario that no feature has: {SHARED}" in told
    assert f"{lost}: no behaviour of docs/behaviours.md names this scenario" in told
    assert f"{lost}: this scenario is not in {MANIFEST_FILE}" in told
    assert f"{shared}: this scenario has vanished" in told


def test_a_missing_manifest_is_an_error(project):
    (project / MANIFEST_FILE).unlink()
    assert beehave().exit_code == 1


def test_a_feature_of_no_family_is_counted_by_itself(project):
    edit(project, FEATURE, "Feature: Several hives", "Feature: Several")
    (project / FEATURE).rename(project / "features" / "mine.feature")
    assert measured(project).families["-"].scenarios == 3


def test_a_proof_that_is_none_is_an_error(project):
    record_proof(project)
    (project / "reports/proof/last.json").write_text('{"seeds": 3}', encoding="utf-8")
    with pytest.raises(HarnessError, match="beehave prove"):
        measure(project)


def test_a_run_that_is_named_must_be_there(project):
    with pytest.raises(HarnessError, match="no journal"):
        measure(project, Path("reports/nowhere"))


def test_this_projects_manifest_and_behaviours_are_true():
    problems = measure(HERE)[1]
    assert problems == []
    scenarios = [scenario_id(each.filename, each.name) for each in load_project(HERE).scenarios()]
    assert manifest_problems(HERE, scenarios) == []
    listed = (HERE / MANIFEST_FILE).read_text(encoding="utf-8").splitlines()
    assert listed == sorted(scenarios)
