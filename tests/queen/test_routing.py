"""Routing: who is chosen, who is left out, and what is said when nobody is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemons.queen.routing import (
    Blocked,
    Candidate,
    Refusal,
    RefusalKind,
    SpawnSite,
    choose,
    choose_spawn_site,
)


def worker(worker_id: str, hive_id: str, load: int = 0, slots: int = 2, **more) -> Candidate:
    return Candidate(worker_id, f"i-{worker_id}", hive_id, slots, load, **more)


CASES = [
    (
        "the hive with less of its slots in use goes first, even against an idle worker elsewhere",
        [worker("a1", "a", 2), worker("a2", "a", 0), worker("b1", "b", 1), worker("b2", "b", 0, last_used=9)],
        "b2",
    ),
    (
        "of two equal hives the one used longest ago",
        [worker("a1", "a", hive_last_used=7), worker("b1", "b", hive_last_used=3)],
        "b1",
    ),
    (
        "within a hive the worker with less of its slots in use, by fraction and not by count",
        [worker("a1", "a", 1, slots=2), worker("a2", "a", 2, slots=8)],
        "a2",
    ),
    ("of two equal workers the one used longest ago", [worker("a1", "a", last_used=2), worker("a2", "a")], "a2"),
    ("never used and equal: by name", [worker("a2", "a"), worker("a1", "a")], "a1"),
    (
        "a full worker is left out, its load still counts for its hive",
        [worker("a1", "a", 2), worker("a2", "a", 0), worker("b1", "b", 1), worker("b2", "b", 1)],
        "a2",
    ),
    (
        "a blocked worker is left out and its slots do not count",
        [worker("a1", "a", 0, blocked=Blocked.WORKER_DRAINING), worker("a2", "a", 1), worker("b1", "b", 1)],
        "a2",
    ),
    ("a worker without slots is never chosen", [worker("a1", "a", 0, slots=0), worker("a2", "a", 1)], "a2"),
]


@pytest.mark.parametrize(("candidates", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_choice(candidates, expected):
    chosen = choose(candidates)
    assert isinstance(chosen, Candidate)
    assert chosen.worker_id == expected


def test_who_failed_this_request_is_not_asked_again():
    pair = [worker("a1", "a"), worker("a2", "a", 1)]
    assert choose(pair, avoid={"a1"}).worker_id == "a2"
    assert choose(pair, avoid={"a1", "a2"}) == Refusal(RefusalKind.NONE_ROUTABLE, 0, {})
    assert choose([worker("a1", "a"), worker("a2", "a", 2)], avoid={"a1"}).kind is RefusalKind.ALL_BUSY


REFUSALS = [
    ([], False, Refusal(RefusalKind.UNKNOWN_MODEL, 0, {})),
    ([], True, Refusal(RefusalKind.NONE_ROUTABLE, 0, {})),
    (
        [worker("a1", "a", blocked=reason) for reason in Blocked] + [worker("x", "a", blocked=Blocked.HIVE_SUSPECT)],
        True,
        Refusal(
            RefusalKind.NONE_ROUTABLE, len(Blocked) + 1, {reason.value: 1 for reason in Blocked} | {"hive_suspect": 2}
        ),
    ),
    (
        [worker("a1", "a", 2), worker("a2", "a", 3), worker("b1", "b", blocked=Blocked.HIVE_DRAINING)],
        True,
        Refusal(RefusalKind.ALL_BUSY, 3, {}, slots_total=4),
    ),
]


@pytest.mark.parametrize(("candidates", "known", "expected"), REFUSALS, ids=lambda each: getattr(each, "kind", None))
def test_refusal(candidates, known, expected):
    assert choose(candidates, model_known=known) == expected


def serve(candidates, requests, *, at_once):
    """Route that many requests as the queen does: a slot is taken before the next choice."""
    table = {each.worker_id: each for each in candidates}
    counts = Counter()
    for turn in range(1, requests + 1):
        chosen = choose(table.values())
        assert isinstance(chosen, Candidate)
        counts[chosen.worker_id] += 1
        for worker_id, each in table.items():
            if each.hive_id == chosen.hive_id:
                table[worker_id] = replace(each, hive_last_used=turn)
        mine = table[chosen.worker_id]
        table[chosen.worker_id] = replace(mine, last_used=turn, load=mine.load + at_once)
    return counts


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "all at once"])
def test_ten_requests_over_two_hives_with_two_workers_each_split_evenly(at_once):
    counts = serve([worker(f"{h}{n}", h, slots=4) for h in "ab" for n in (1, 2)], 10, at_once=at_once)
    assert counts["a1"] + counts["a2"] == 5
    assert counts["b1"] + counts["b2"] == 5
    assert max(counts.values()) - min(counts.values()) == 1


@given(hives=st.integers(1, 4), workers=st.integers(1, 4), requests=st.integers(1, 60), at_once=st.booleans())
def test_equal_hives_and_workers_share_within_one(hives, workers, requests, at_once):
    names = [f"{hive}-{n}" for hive in range(hives) for n in range(workers)]
    counts = serve([worker(name, name[0], slots=100) for name in names], requests, at_once=at_once)
    by_hive = [sum(counts[name] for name in names if name[0] == str(hive)) for hive in range(hives)]
    assert max(by_hive) - min(by_hive) <= 1
    for hive in range(hives):
        mine = [counts[name] for name in names if name[0] == str(hive)]
        assert max(mine) - min(mine) <= 1


@st.composite
def any_candidates(draw):
    blocked = st.one_of(st.none(), st.sampled_from(list(Blocked)))
    return [
        worker(
            f"w{index}",
            draw(st.sampled_from("abc")),
            draw(st.integers(0, 5)),
            slots=draw(st.integers(0, 4)),
            blocked=draw(blocked),
            last_used=draw(st.integers(0, 9)),
        )
        for index in range(draw(st.integers(0, 8)))
    ]


@given(candidates=any_candidates(), known=st.booleans(), avoid=st.sets(st.sampled_from([f"w{n}" for n in range(8)])))
def test_a_choice_is_always_free_and_a_refusal_is_always_true(candidates, known, avoid):
    outcome = choose(candidates, model_known=known, avoid=avoid)
    others = [each for each in candidates if each.worker_id not in avoid]
    if isinstance(outcome, Candidate):
        assert outcome in others
        assert outcome.free
    else:
        assert not any(each.free for each in others)
        assert (outcome.kind is RefusalKind.ALL_BUSY) == any(each.blocked is None for each in others)
        assert (outcome.kind is RefusalKind.UNKNOWN_MODEL) == (not others and not known)


SITES = [
    ([], None),
    ([SpawnSite("a", usable=False, has_model=True, workers=0)], None),
    ([SpawnSite("a", usable=True, has_model=False, workers=0), SpawnSite("b", True, True, 5)], "b"),
    ([SpawnSite("a", True, True, 2), SpawnSite("b", True, True, 1)], "b"),
    ([SpawnSite("b", True, True, 1), SpawnSite("a", True, True, 1)], "a"),
]


@pytest.mark.parametrize(("sites", "expected"), SITES)
def test_spawn_site(sites, expected):
    chosen = choose_spawn_site(sites)
    assert (chosen.hive_id if chosen else None) == expected
