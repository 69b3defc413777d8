"""The command as a whole, with runs that are made up: the order of things, what is kept, and the exit status."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest

from beehave.families import Families
from beehave.proof import command
from beehave.proof.campaign import ended_by_signals
from beehave.proof.catalog import CatalogError, Seed
from beehave.proof.child import StoppedError
from beehave.proof.command import INTERRUPTED, NOT_PROVEN, PROVEN, ProofOptions, prove
from beehave.proof.judgement import Ending, Mark, Run
from beehave.proof.sentences import Sentences

A, B = "features/integration/recovery.feature::A", "features/integration/performance.feature::B"
C = "features/integration/recovery.feature::C"
SEEDS = [
    Seed("slow", "worker", ("A8",), (B,), digest="1"),
    Seed("deaf", "hive", ("A9",), (A, C), fast=True, digest="2"),
]
SETTINGS = """
[proof]
catalog = ["catalog"]
launcher = ["{python}", "-m", "bugs.launcher", "{seed}", "{role}", "--"]
quiet = ["A8"]
required = ["A8", "A9"]
"""
SENTENCES = Sentences(
    families=Families(
        {"A8": "features/integration/performance.feature", "A9": "features/integration/recovery.feature"}
    ),
    scenarios=dict.fromkeys((A, B, C), frozenset()),
    thens={"it holds": ["A8", "A9"]},
    patterns={("then", "it holds"): "it holds"},
)
RED = Ending("", Mark.RED, 1.0, "Then it holds", "then", "it holds", "no")


class Runs:
    """In the place of the children: what each planted seed leaves of each scenario, a list of marks for its runs."""

    def __init__(self, marks: dict[str | None, dict[str, list[Mark]]]) -> None:
        self.marks = marks
        self.asked: list[tuple[str | None, tuple[str, ...]]] = []
        self.stop_at: str | None = None

    def __call__(self, _folder, options=None):
        return self

    def run(self, wanted, run_folder):
        run_folder.mkdir(parents=True)
        planted = next((value.split()[3] for value in wanted.options.values()), None)
        self.asked.append((planted, tuple(wanted.scenarios)))
        if planted is not None and planted == self.stop_at:
            raise StoppedError
        endings = {}
        for name in wanted.scenarios:
            left = self.marks.get(planted, {}).get(name, [])
            mark = left.pop(0) if left else Mark.GREEN
            endings[name] = Ending(**{**RED.__dict__, "scenario": name, "mark": mark}) if mark is Mark.RED else None
            endings[name] = endings[name] or Ending(name, mark, message="no nft" if mark is Mark.SKIPPED else "")
        return Run(endings, seconds=1.0)

    def end_all(self):
        pass


@pytest.fixture
def proving(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beehave.toml").write_text(SETTINGS)
    monkeypatch.setattr(command, "read_catalog", lambda *_: SEEDS)
    monkeypatch.setattr(command, "read_sentences", lambda _: SENTENCES)

    def run(runs: Runs, **asked):
        monkeypatch.setattr(command, "Children", runs)
        status = prove(tmp_path, ProofOptions(**asked))
        last = tmp_path / "reports/proof/last.json"
        return status, capsys.readouterr().out, json.loads(last.read_text()) if last.exists() else None

    return run


def both_caught() -> Runs:
    return Runs({"deaf": {A: [Mark.RED, Mark.RED]}, "slow": {B: [Mark.RED, Mark.RED]}})


def test_everything_is_proven(proving):
    runs = both_caught()
    status, said, last = proving(runs)
    assert status == PROVEN
    assert runs.asked == [
        (None, (A, C)),
        (None, (B,)),  # what measures times comes last, and alone
        ("deaf", (A, C)),
        ("deaf", (A,)),
        ("slow", (B,)),
        ("slow", (B,)),
    ]
    assert "seeds caught:   100.0 %  (2 of 2)" in said
    assert (last["percent_caught"], last["percent_thens"], last["complete"]) == (100, 100, True)
    assert last["thens"] == {"it holds": {"families": ["A8", "A9"], "red_by": ["slow", "deaf"]}}


def test_a_scenario_that_is_red_without_a_seed_stops_the_proof(proving):
    runs = Runs({None: {C: [Mark.RED]}})
    status, said, last = proving(runs)
    assert (status, last) == (NOT_PROVEN, None)
    assert f"not green without a seed: {C}: red" in said
    assert {planted for planted, _ in runs.asked} == {None}


def test_a_seed_that_is_missed(proving):
    status, said, _ = proving(Runs({"slow": {B: [Mark.RED, Mark.RED]}}))
    assert status == NOT_PROVEN
    assert "deaf: missed" in said


def test_a_then_that_was_never_red_fails_a_full_proof_only(proving, monkeypatch):
    thens = {**SENTENCES.thens, "it is quick": ["A8"]}
    monkeypatch.setattr(command, "read_sentences", lambda _: replace(SENTENCES, thens=thens))
    status, said, _ = proving(both_caught())
    assert status == NOT_PROVEN
    assert "it is quick" in said
    assert proving(both_caught(), seeds=("slow", "deaf"))[0] == PROVEN


def test_what_is_skipped_here_is_not_run_again_and_not_caught(proving):
    runs = both_caught()
    runs.marks[None] = {B: [Mark.SKIPPED], C: [Mark.SKIPPED]}
    status, said, _ = proving(runs)
    assert status == NOT_PROVEN
    assert "slow: cannot be judged here" in said
    assert f"{B}: no nft" in said
    assert ("deaf", (A,)) in runs.asked
    assert not [asked for asked in runs.asked if asked[0] == "slow"]


def test_a_partial_proof_keeps_what_is_known_of_the_others(proving):
    proving(both_caught())
    status, _, last = proving(Runs({}), seeds=("slow",))
    assert status == NOT_PROVEN
    assert {name: seed["caught"] for name, seed in last["seeds"].items()} == {"slow": False, "deaf": True}


def test_fast_runs_once_and_leaves_the_last_proof_alone(proving):
    runs = both_caught()
    status, _, last = proving(runs, fast=True)
    assert (status, last) == (PROVEN, None)
    assert runs.asked == [(None, (A, C)), ("deaf", (A, C))]


def test_all_scenarios_meet_a_seed_that_is_to_meet_all(proving):
    runs = both_caught()
    proving(runs, seeds=("slow",), every_scenario=True)
    assert ("slow", (B, A, C)) in runs.asked


def test_an_interrupted_proof_keeps_what_it_has(proving):
    runs = both_caught()
    runs.stop_at = "slow"
    status, said, last = proving(runs)
    assert status == INTERRUPTED
    assert "interrupted: 1 of 2 seeds were not judged; the others are kept" in said
    assert last["interrupted"]
    assert {name: seed["verdict"] for name, seed in last["seeds"].items()} == {"slow": "never run", "deaf": "caught"}


def test_the_result_goes_where_it_is_asked_to_go(proving, tmp_path):
    proving(both_caught(), json_file=tmp_path / "mine.json")
    assert json.loads((tmp_path / "mine.json").read_text())["percent_caught"] == 100


def test_a_catalogue_with_errors_proves_nothing(proving, monkeypatch):
    def refuse(*_):
        raise CatalogError("deaf: daemons.x:y is not there (any more)")

    monkeypatch.setattr(command, "read_catalog", refuse)
    status, said, last = proving(Runs({}))
    assert (status, last) == (NOT_PROVEN, None)
    assert "deaf: daemons.x:y is not there" in said


class Counting:
    ended = 0

    def end_all(self):
        self.ended += 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_runs_and_a_second_one_again(number):
    children = Counting()
    before = signal.getsignal(number)
    with ended_by_signals(children):
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert children.ended == 2
    assert signal.getsignal(number) is before


def test_a_signal_that_is_to_be_ignored_is():
    children = Counting()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals(children):
            assert signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN, "the runs would inherit it"
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert children.ended == 0
