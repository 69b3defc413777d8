"""The catalogue of seeds: what it refuses, and how seeds are chosen from it."""

from __future__ import annotations

import importlib
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from beehave.errors import HarnessError
from beehave.families import read_families
from beehave.proof.catalog import CatalogError, Seed, check_scenarios, choose, seeds_of
from bugs import catalog as bugs_catalog
from bugs import seed as bugs_seed

RECOVERY = "features/integration/recovery.feature::A stopped hive leaves no worker"
CHURN = "features/integration/worker_churn.feature::Stopped workers leave nothing behind"

FAMILIES = read_families(Path(__file__).parents[3])


def entry(name: str, **changed) -> dict:
    told = {"name": name, "role": "hive", "family": None, "patches": "daemons.x:y", "caught_by": [CHURN, RECOVERY]}
    told |= {"caught_as": "step", "fast": False, "digest": "0", "text": "It is\nwrong.\n\nReal: somewhere."}
    return told | changed


def test_families_come_from_the_scenarios():
    seeds = seeds_of({"seeds": [entry("a"), entry("b", caught_by=[], family="A5")], "errors": []}, FAMILIES)
    assert [(seed.family, seed.families) for seed in seeds] == [("A2", ("A2", "A9")), ("A5", ("A5",))]
    assert seeds[0].headline == "It is wrong."


def test_a_catalogue_with_errors_is_refused():
    with pytest.raises(CatalogError, match="a: daemons.x:y is not there"):
        seeds_of({"seeds": [], "errors": ["a: daemons.x:y is not there (any more)"]}, FAMILIES)


def test_every_feature_has_a_family(pytestconfig):
    files = sorted(
        path.relative_to(pytestconfig.rootpath) for path in pytestconfig.rootpath.glob("features/**/*.feature")
    )
    assert files
    assert [file for file in files if FAMILIES.of(file.as_posix()) is None] == []
    assert FAMILIES.of("features/other/x.feature") is None


SEEDS = [
    Seed("adopts_nobody", "hive", ("A9",), (RECOVERY,), fast=True),
    Seed("short_grace", "hive", ("A2", "A9"), (CHURN, RECOVERY)),
    Seed("no_retry_after", "queen", ("A7",), ()),
]


@pytest.mark.parametrize(
    ("names", "options", "chosen"),
    [
        ([], {}, ["adopts_nobody", "short_grace", "no_retry_after"]),
        (["short_grace", "adopts_nobody", "short_grace"], {}, ["short_grace", "adopts_nobody"]),
        ([], {"family": "A9"}, ["adopts_nobody", "short_grace"]),
        ([], {"fast": True}, ["adopts_nobody"]),
    ],
)
def test_choosing(names, options, chosen):
    assert [seed.name for seed in choose(SEEDS, names, FAMILIES, **options)] == chosen


@pytest.mark.parametrize(
    ("names", "options", "says"),
    [
        (["short_grave"], {}, "no seed 'short_grave'; nearest: short_grace"),
        ([], {"family": "A0"}, f"no family 'A0'; there are: {', '.join(FAMILIES.names)}"),
        ([], {"family": "A1"}, "no seed was selected"),
    ],
)
def test_what_cannot_be_chosen(names, options, says):
    with pytest.raises(HarnessError, match=says):
        choose(SEEDS, names, FAMILIES, **options)


def test_a_seed_that_names_an_absent_scenario_is_an_error():
    check_scenarios(SEEDS, {RECOVERY, CHURN})
    with pytest.raises(CatalogError, match="short_grace: it names the scenario .*leave nothing behind.*nearest"):
        check_scenarios(SEEDS, {RECOVERY, CHURN.replace("nothing", "things")})


NUMBERS = itertools.count()
"""A module of one name is imported once in a process."""
GOOD = '''"""Seeds."""
from bugs.seed import caught_by, seed
{more}
@seed(role="{role}", patches="{patches}"{arguments})
@caught_by("a.feature", "one")
@caught_by("b.feature", "two")
def {name}(original):
    """{doc}"""
    return {made}
'''


@pytest.fixture
def one_seed(tmp_path, monkeypatch):
    """Write a seed `planted_for_test` of this form into a folder that stands in for bugs/seeds."""
    import bugs.seeds

    monkeypatch.setattr(bugs_seed, "FOLDER", tmp_path)
    monkeypatch.setattr(bugs.seeds, "__path__", [str(tmp_path)])
    form = {"role": "worker", "patches": "daemons.worker.slots:Slots.take", "arguments": "", "more": ""}
    form |= {"made": "lambda self, request_id: 0", "doc": "It is wrong."}

    def write(**other):
        for old in tmp_path.glob("*.py"):
            old.unlink()
        name = f"planted_for_test_{next(NUMBERS)}"
        (tmp_path / f"of_{name}.py").write_text(GOOD.format(**form | other, name=name))
        importlib.invalidate_caches()
        return name

    return write


def test_a_sound_seed_is_in_the_catalogue(one_seed):
    name = one_seed(arguments=', caught_as="leak", family="A7", fast=True')
    seeds, errors = bugs_catalog.catalog()
    assert errors == []
    told = bugs_catalog.as_json(seeds[0])
    assert (told["name"], told["family"], told["caught_as"], told["text"]) == (name, "A7", "leak", "It is wrong.")
    assert (told["caught_by"], told["fast"]) == (["a.feature::one", "b.feature::two"], True)
    assert len(told["digest"]) == 64


def test_another_text_is_another_bug(one_seed):
    digests = set()
    for form in ({}, {"made": "lambda self, request_id: 1"}, {"doc": "It is wronger."}, {"arguments": ', family="A7"'}):
        one_seed(**form)
        digests.add(bugs_catalog.catalog()[0][0].digest)
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"patches": "daemons.worker.slots:Slots.gone"}, "is not there"),
        ({"patches": "daemons.worker.gone:Slots.take"}, "is not there"),
        ({"made": "original"}, "it leaves"),
        ({"made": "lambda self: 0"}, "takes .* by now"),
        ({"role": "drone"}, "role is 'drone'"),
        ({"role": "harness"}, "a bug of a harness is in beehave/"),
        ({"patches": "beehave.runner.evidence:Evidence.shortfall"}, "a bug of a worker is in daemons/"),
        ({"arguments": ', caught_as="luck"'}, "it is caught as 'luck'"),
        ({"more": "from daemons.worker.slots import Gone"}, "what it needs is not there"),
        ({"made": '__import__("daemons.worker.gone")'}, "what it needs is not there"),
        ({"doc": ""}, "it has no docstring"),
    ],
)
def test_a_seed_that_cannot_be_planted_is_an_error(one_seed, form, says):
    name = one_seed(**form)
    seeds, errors = bugs_catalog.catalog()
    assert seeds == []
    assert len(errors) == 1
    with pytest.raises(AssertionError, match=f"^{name}: .*{says}"):
        raise AssertionError(errors[0])


def test_two_seeds_of_one_name_are_an_error(one_seed, tmp_path):
    name = one_seed()
    (tmp_path / "another.py").write_text((tmp_path / f"of_{name}.py").read_text())
    with pytest.raises(bugs_seed.SeedError, match=f"{name}: a seed of another.py and one of of_{name}.py"):
        bugs_catalog.catalog()


def test_the_check_plants_nothing(one_seed):
    from daemons.worker.slots import Slots

    before = Slots.take
    one_seed()
    bugs_catalog.catalog()
    assert Slots.take is before


def test_a_seed_imports_what_it_breaks_and_no_other_daemon():
    """A seeded daemon is to start as quickly as the real one, and the harness meets no daemon's code."""
    program = "import sys; from bugs.seed import load, modules; [load(name) for name in modules()]; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in said if name.startswith(("daemons.queen", "daemons.hive", "daemons.worker"))] == []
