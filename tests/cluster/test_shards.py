"""The shards of the features, and the one journal that is made of theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from beehave.journal import read
from beehave.report.report import read_run
from cluster.commands.shards import merge, shards

PROJECT = Path(__file__).parents[2]


def journal(path, *scenarios, verdict="passed", problems=(), ended=True):
    events = [{"kind": "run_started", "seed": 7, "elapsed_ms": 0}]
    for name in scenarios:
        events.append({"kind": "scenario_started", "scenario": name, "feature": "F", "location": "f.feature:1"})
        events.append({"kind": "scenario_ended", "scenario": name, "status": "passed"})
    if ended:
        events.append({"kind": "run_ended", "verdict": verdict, "problems": list(problems), "elapsed_ms": len(events)})
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


@pytest.fixture
def merged(tmp_path):
    def of(*journals):
        merge(journals, tmp_path / "all.ndjson")
        return read_run(tmp_path / "all.ndjson")

    return of


def test_every_feature_of_the_project_is_in_one_shard():
    one, other, own = shards(PROJECT)
    features = [path.relative_to(PROJECT).as_posix() for path in (PROJECT / "features").rglob("*.feature")]
    assert sorted(one + other + own) == sorted(features)
    assert {path for path in features if path.startswith("features/harness/")} == set(own)


def test_the_halves_are_about_equally_long():
    one, other = (sum((PROJECT / path).stat().st_size for path in half) for half in shards(PROJECT)[:2])
    assert abs(one - other) < 0.2 * (one + other)


def test_a_shard_without_features_is_none(tmp_path):
    (tmp_path / "features" / "a").mkdir(parents=True)
    (tmp_path / "features" / "a" / "x.feature").touch()
    assert shards(tmp_path) == [["features/a/x.feature"]]


def test_one_journal_tells_what_all_told(tmp_path, merged):
    run = merged(journal(tmp_path / "1", "one", "two"), journal(tmp_path / "2", "three"))
    assert [scenario.name for scenario in run.scenarios] == ["one", "two", "three"]
    assert (run.verdict, run.started["seed"], run.ended["elapsed_ms"]) == ("passed", 7, 5)
    assert [event["sequence"] for event in read(run.journal)] == list(range(1, 9))


def test_it_did_not_pass_when_one_did_not(tmp_path, merged):
    first = journal(tmp_path / "1", "one", verdict="failed", problems=["a leak"])
    run = merged(first, journal(tmp_path / "2", "two"))
    assert (run.verdict, run.problems) == ("failed", ["a leak"])


def test_it_was_killed_when_one_was(tmp_path, merged):
    assert merged(journal(tmp_path / "1", "one"), journal(tmp_path / "2", "two", ended=False)).verdict == "killed"


def test_a_shard_that_never_began_leaves_it_without_an_end(tmp_path, merged):
    assert merged(journal(tmp_path / "1", "one"), tmp_path / "none").verdict == "killed"
