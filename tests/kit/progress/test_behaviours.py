"""The list of behaviours, as Markdown has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from beehave.errors import HarnessError
from beehave.families import read_families
from beehave.progress.behaviours import parse_behaviours, read_behaviours

HERE = Path(__file__).parents[3]


def test_a_list():
    listed = parse_behaviours(
        "# Behaviours\n\nWords.\n\n## A1 Multi-hive\n\n- A1.1 All are served.\n  - `One`\n  - ``Two (`<x>`)``\n"
        "- A1.2 None is lost.\n\n## B Full stack\n\n- B.1 It flows.\n"
    )
    assert listed.titles == {"A1": "Multi-hive", "B": "Full stack"}
    assert [(each.id, each.family, each.text) for each in listed.behaviours] == [
        ("A1.1", "A1", "All are served."),
        ("A1.2", "A1", "None is lost."),
        ("B.1", "B", "It flows."),
    ]
    assert [each.scenarios for each in listed.behaviours] == [["One", "Two (`<x>`)"], [], []]


@pytest.mark.parametrize(
    "line",
    [
        "- A1.1 Twice.",
        "- B.1 Below another heading.",
        "- no id",
        "  - a name without backticks",
    ],
)
def test_a_line_in_no_known_form_is_an_error_with_its_number(line):
    with pytest.raises(HarnessError, match=r"docs/behaviours\.md:3"):
        parse_behaviours(f"## A1 Multi-hive\n- A1.1 Once.\n{line}\n")


def test_a_scenario_below_no_behaviour_is_an_error():
    with pytest.raises(HarnessError, match=r":2"):
        parse_behaviours("## A1 Multi-hive\n  - `One`\n")


def test_no_list_is_an_error_that_says_what_to_write(tmp_path):
    with pytest.raises(HarnessError, match=r"list there what must hold"):
        read_behaviours(tmp_path)


def test_each_family_has_behaviours_and_those_with_features_have_their_places():
    listed, families = read_behaviours(HERE), read_families(HERE)
    assert {each.family for each in listed.behaviours} == set(listed.titles)
    assert set(families.names) <= listed.titles.keys()
    for family, place in families.places.items():
        assert (HERE / place).exists()
        assert families.of(place) == family
    assert families.of("features/elsewhere/x.feature") is None
