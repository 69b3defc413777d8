"""Results of a proof: entries, shares, sentences seen red, merging, and what is printed and drawn of them."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from beehave.families import Families
from beehave.proof.catalog import Seed
from beehave.proof.judgement import Ending, Mark, Run
from beehave.proof.output import print_proof, print_seed, write_html
from beehave.proof.results import Proof, SeedResult, merged, percent, result_of, tree_of
from beehave.proof.sentences import Sentences

A, B = "features/integration/recovery.feature::A", "features/integration/recovery.feature::B"
LISTS, SERVES, SAYS = "the queen lists {n:d} hives", "{n:d} workers serve", "behave has said {text}"
SENTENCES = Sentences(
    families=Families({"A1": "features/a1", "A9": "features/integration/recovery.feature", "I": "features/harness"}),
    scenarios={A: frozenset(), B: frozenset({"nightly"}), "features/harness/x.feature::C": frozenset()},
    thens={LISTS: ["A1", "A9"], SERVES: ["A9"], SAYS: ["I"]},
    patterns={("then", "the queen lists 3 hives"): LISTS, ("then", "2 workers serve"): SERVES},
)
SEED = Seed("adopts_nobody", "hive", ("A9",), (A, B), digest="d1", text="It adopts <nobody>.\n\nImagined.")
OTHER = Seed("short_grace", "hive", ("A2",), (A,), digest="d2", text="Too short.")


def red(scenario: str, sentence: str = "the queen lists 3 hives", kind: str = "then") -> Ending:
    return Ending(scenario, Mark.RED, 1.0, f"Then {sentence}", kind, sentence, "expected 3, [got] 2")


def runs(*endings: Ending, seconds: float = 1.25) -> Run:
    return Run({ending.scenario: ending for ending in endings}, seconds=seconds)


def caught(seed: Seed = SEED, tree: str = "t1") -> SeedResult:
    first, second = runs(red(A), red(B, "2 workers serve")), runs(red(A), Ending(B, Mark.GREEN))
    return result_of(seed, first, second, SENTENCES, tree=tree)


def missed(seed: Seed = OTHER, tree: str = "t1") -> SeedResult:
    first = runs(Ending(A, Mark.AT_END, message="a process is left"))
    return result_of(seed, first, None, SENTENCES, tree=tree)


def test_a_caught_seed():
    result = caught()
    assert (result.caught, result.verdict, result.seconds, result.family) == (True, "caught", 2.5, "A9")
    assert result.scenarios == {A: ["red", "red"], B: ["red", "green"]}
    told = [(each["scenario"], each["pattern"], each["run"]) for each in result.reds]
    assert told == [(A, LISTS, 1), (A, LISTS, 2)], "what went red once of two times does not count"


def test_an_uncaught_seed_says_what_was_seen():
    result = missed()
    assert (result.caught, result.verdict, result.reds) == (False, "leak only", [])
    assert result.why == f"run 1: at_end: {A}: a process is left"


def test_a_seed_without_scenarios():
    result = result_of(SEED, None, None, SENTENCES, tree="t1")
    assert (result.verdict, result.caught, result.why) == (
        "no scenario",
        False,
        "it names no scenario",
    )


def test_red_once_counts_where_once_is_enough():
    result = result_of(SEED, runs(red(A), red(B, "2 workers serve")), None, SENTENCES, tree="t1", once=True)
    assert result.caught
    assert [each["pattern"] for each in result.reds] == [LISTS, SERVES]


def test_a_given_that_went_red_catches_a_seed_but_proves_no_then():
    given = red(A, "a hive", kind="given")
    proof = Proof("t1", "", {"s": result_of(SEED, runs(given), runs(given), SENTENCES, tree="t1")})
    proof.count_thens(SENTENCES, {"A9"})
    assert proof.percent_caught == 100
    assert proof.percent_thens == 0


def test_the_shares():
    proof = Proof("t1", "", {"adopts_nobody": caught(), "short_grace": missed()})
    proof.count_thens(SENTENCES, {"A1", "A9"})
    assert proof.scope == ["A1", "A9"]
    assert proof.thens == {
        SERVES: {"families": ["A9"], "red_by": []},
        LISTS: {"families": ["A1", "A9"], "red_by": ["adopts_nobody"]},
    }
    assert (proof.percent_caught, proof.percent_thens) == (50.0, 50.0)
    assert list(proof.uncaught) == ["short_grace"]
    assert proof.never_red == {SERVES: ["A9"]}
    assert not proof.thens_red({"A9"})


def test_only_some_families_must_be_red_to_the_last():
    proof = Proof("t1", "", thens={SERVES: {"families": ["B", "E"], "red_by": []}})
    assert proof.thens_red({"A1"})
    proof.thens[LISTS] = {"families": ["B", "A1"], "red_by": []}
    assert not proof.thens_red({"A1"})


@pytest.mark.parametrize(("part", "whole", "share"), [(0, 0, 0.0), (999, 1000, 99.9), (9999, 10000, 99.9), (3, 3, 100)])
def test_a_hundred_percent_means_all(part, whole, share):
    assert percent(part, whole) == share


def merge(old: Proof, new: Proof) -> Proof:
    return merged(json.loads(old.as_json()), new, [SEED, OTHER], SENTENCES)


def test_a_partial_proof_keeps_the_other_seeds():
    whole = merge(Proof("t1", "", {"adopts_nobody": caught()}), Proof("t1", "", {"short_grace": missed()}))
    assert list(whole.seeds) == ["adopts_nobody", "short_grace"]
    assert whole.complete
    assert whole.seeds["adopts_nobody"].reds == caught().reds
    assert whole.thens[LISTS]["red_by"] == ["adopts_nobody"]
    assert whole.percent_caught == 50.0


@pytest.mark.parametrize(("tree", "seed"), [("t2", SEED), ("t1", replace(SEED, digest="changed"))])
def test_a_result_of_other_code_does_not_count(tree, seed):
    old = Proof("t1", "", {"adopts_nobody": caught()})
    new = Proof(tree, "", {"short_grace": missed(tree=tree)})
    whole = merged(json.loads(old.as_json()), new, [seed, OTHER], SENTENCES)
    assert (whole.seeds["adopts_nobody"].stale, whole.seeds["adopts_nobody"].caught) == (True, False)
    assert "adopts_nobody" in whole.uncaught
    assert whole.thens[LISTS]["red_by"] == []
    assert not whole.complete


def test_a_stale_result_that_is_found_again_counts_again():
    old = Proof("t1", "", {"adopts_nobody": caught()})
    stale = merge(old, Proof("t2", ""))
    assert stale.seeds["adopts_nobody"].stale
    assert not merge(stale, Proof("t2", "", {"adopts_nobody": caught(tree="t2")})).seeds["adopts_nobody"].stale
    assert merge(stale, Proof("t1", "")).seeds["adopts_nobody"].caught, "the code is as it was again"


def test_seeds_that_are_gone_are_left_out_and_new_ones_never_run():
    gone = Proof("t1", "", {"gone": caught()})
    whole = merge(gone, Proof("t1", "", {"adopts_nobody": caught()}))
    assert {name: result.verdict for name, result in whole.seeds.items()} == {
        "adopts_nobody": "caught",
        "short_grace": "never run",
    }
    assert whole.percent_caught == 50.0


def test_the_tree_is_of_the_code_that_verdicts_depend_on(tmp_path):
    for name in ("daemons/a.py", "features/a.feature", "steps/a.py", "docs/a.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")
    before = tree_of(tmp_path, ["daemons", "steps", "features"])
    (tmp_path / "docs/a.md").write_text("two")
    assert tree_of(tmp_path, ["daemons", "steps", "features"]) == before
    (tmp_path / "steps/a.py").write_text("two")
    assert tree_of(tmp_path, ["daemons", "steps", "features"]) != before


@pytest.fixture
def proof():
    proof = Proof("t1", "2026-01-01", {"adopts_nobody": caught(), "short_grace": missed()})
    proof.skipped = {B: "needs nft"}
    proof.count_thens(SENTENCES, {"A1", "A9"})
    return proof


def test_what_is_printed(proof):
    said = io.StringIO()
    out = Console(file=said, width=200)
    print_seed(out, "adopts_nobody", proof.seeds["adopts_nobody"], place="1/2")
    print_seed(out, "short_grace", proof.seeds["short_grace"], place="2/2")
    print_proof(out, proof)
    text = said.getvalue()
    assert "1/2     2.5 s  caught  A9  adopts_nobody  1 of 2 red" in text
    assert f"2/2     1.2 s  leak only  A2  short_grace  run 1: at_end: {A}: a process is left" in text
    assert "short_grace: leak only: Too short." in text
    assert f"{B}: needs nft" in text
    assert "A9              {n:d} workers serve" in text
    assert "seeds caught:    50.0 %  (1 of 2)" in text
    assert "Then seen red:   50.0 %  (1 of 2 of A1, A9)" in text


def test_what_is_drawn(proof, tmp_path):
    path = tmp_path / "proof.html"
    write_html(proof, path)
    html = path.read_text(encoding="utf-8")
    assert "It adopts &lt;nobody&gt;." in html
    assert '<td class="mark red">red, green</td>' in html
    assert '<td class="never">{n:d} workers serve</td>' in html
    assert "50.0 %" in html
    assert "needs nft" in html


def test_families_of_scenarios():
    assert SENTENCES.of_family("A9") == [A], "those of the night are left out"
    assert SENTENCES.of_family(None) == [A, "features/harness/x.feature::C"]
    assert SENTENCES.pattern("then", "the queen lists 3 hives") == LISTS
    assert SENTENCES.pattern("then", "no such sentence") == "no such sentence"
