"""How the times that a run measured are gathered and told."""

from __future__ import annotations

from beehave.report.timings import gather


def figure(name, took_ms, bound_ms=100.0):
    return {"kind": "figure", "name": name, "took_ms": took_ms, "bound_ms": bound_ms, "why": "a lease"}


def told(*figures):
    return {feature: [(each.name, each.text) for each in all_of] for feature, all_of in gather(list(figures)).items()}


def test_one_time_stands_beside_its_bound():
    assert told(("A", figure("cut to suspect", 41.7))) == {"A": [("cut to suspect", "42 ms, bound 100 ms: a lease")]}


def test_several_are_told_by_the_least_and_the_greatest():
    seen = told(("A", figure("x", 5)), ("A", figure("x", 3)), ("A", figure("x", 4, bound_ms=200)))
    assert seen == {"A": [("x", "3 to 5 ms (3 times), bound 100 to 200 ms: a lease")]}


def test_features_and_names_keep_apart_in_their_order():
    seen = told(("B", figure("y", 1)), ("A", figure("y", 2)), ("B", figure("x", 3)))
    assert {feature: [name for name, _ in all_of] for feature, all_of in seen.items()} == {"B": ["y", "x"], "A": ["y"]}


def test_a_measurement_in_words_is_told_as_it_is():
    assert told(("P", {"kind": "figure", "name": "load", "text": "1000 of 1000"})) == {"P": [("load", "1000 of 1000")]}
