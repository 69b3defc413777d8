"""The catalogue of seeds: what it refuses, and how seeds are chosen from it."""

from __future__ import annotations

import importlib
import itertools

import pytest

from bugs import catalog as bugs_catalog
from bugs import seed as bugs_seed
from harness.audit.families import FAMILIES, family_of
from harness.errors import HarnessError
from harness.proof.catalog import CatalogError, Seed, check_scenarios, choose, seeds_of

RECOVERY = "features/integration/recovery.feature::A stopped hive leaves no worker"
CHURN = "features/integration/worker_churn.feature::Stopped workers leave nothing behind"


def entry(name: str, **changed) -> dict:
    told = {"name": name, "role": "hive", "family": None, "patches": "daemons.x:y", "caught_by": [CHURN, RECOVERY]}
    told |= {"caught_as": "step", "fast": False, "digest": "0", "text": "It is\nwrong.\n\nReal: somewhere."}
    return told | changed


def test_families_come_from_the_scenarios():
    seeds = seeds_of({"seeds": [entry("a"), entry("b", caught_by=[], family="A5")], "errors": []})
    assert [(seed.family, seed.families) for seed in seeds] == [("A2", ("A2", "A9")), ("A5", ("A5",))]
    assert seeds[0].headline == "It is wrong."


def test_a_catalogue_with_errors_is_refused():
    with pytest.raises(CatalogError, match="a: daemons.x:y is not there"):
        seeds_of({"seeds": [], "errors": ["a: daemons.x:y is not there (any more)"]})


def test_every_feature_has_a_family(pytestconfig):
    files = sorted(
        path.relative_to(pytestconfig.rootpath) for path in pytestconfig.rootpath.glob("features/**/*.feature")
    )
    assert files
    assert [file for file in files if family_of(file.as_posix()) is None] == []
    assert family_of("features/other/x.feature") is None


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
    assert [seed.name for seed in choose(SEEDS, names, **options)] == chosen


@pytest.mark.parametrize(
    ("names", "options", "says"),
    [
        (["short_grave"], {}, "no seed 'short_grave' in bugs/seeds; nearest: short_grace"),
        ([], {"family": "A0"}, f"no family 'A0'; there are: {', '.join(FAMILIES)}"),
        ([], {"family": "A1"}, "no seed is selected"),
    ],
)
def test_what_cannot_be_chosen(names, options, says):
    with pytest.raises(HarnessError, match=says):
        choose(SEEDS, names, **options)


def test_a_seed_that_names_an_absent_scenario_is_an_error():
    check_scenarios(SEEDS, {RECOVERY, CHURN})
    with pytest.raises(CatalogError, match="short_grace: CAUGHT_BY names .*leave nothing behind.*nearest"):
        check_scenarios(SEEDS, {RECOVERY, CHURN.replace("nothing", "things")})


NUMBERS = itertools.count()
"""A module of one name is imported once in a process."""
GOOD = '''"""It is wrong."""
from bugs.seed import SeedError
ROLE = "{role}"
PATCHES = "{patches}"
CAUGHT_BY = []
{more}
def seeded(original):
    return {made}
'''


@pytest.fixture
def one_seed(tmp_path, monkeypatch):
    """Write a seed `planted_for_test` of this form into a folder that stands in for bugs/seeds."""
    import bugs.seeds

    monkeypatch.setattr(bugs_seed, "FOLDER", tmp_path)
    monkeypatch.setattr(bugs.seeds, "__path__", [str(tmp_path)])
    monkeypatch.setattr(bugs_catalog, "FAST", ())

    def write(*, role="worker", patches="daemons.worker.slots:Slots.take", more="", made="lambda self, request_id: 0"):
        for old in tmp_path.glob("*.py"):
            old.unlink()
        name = f"planted_for_test_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(GOOD.format(role=role, patches=patches, more=more, made=made))
        importlib.invalidate_caches()
        return name

    return write


def test_a_sound_seed_is_in_the_catalogue(one_seed):
    name = one_seed(more='CAUGHT_AS = "leak"\nFAMILY = "A7"')
    seeds, errors = bugs_catalog.catalog()
    assert errors == []
    told = bugs_catalog.as_json(seeds[0])
    assert (told["name"], told["family"], told["caught_as"], told["text"]) == (name, "A7", "leak", "It is wrong.")
    assert len(told["digest"]) == 64


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"patches": "daemons.worker.slots:Slots.gone"}, "is not there"),
        ({"patches": "daemons.worker.gone:Slots.take"}, "is not there"),
        ({"made": "original"}, "it leaves"),
        ({"made": "lambda self: 0"}, "takes .* by now"),
        ({"role": "drone"}, "ROLE is 'drone'"),
        ({"role": "harness"}, "a bug of a harness is in harness/"),
        ({"patches": "harness.evidence:Evidence.shortfall"}, "a bug of a worker is in daemons/"),
        ({"more": 'CAUGHT_AS = "luck"'}, "CAUGHT_AS is 'luck'"),
        ({"more": "from daemons.worker.slots import Gone"}, "what it needs is not there"),
        ({"more": "CAUGHT_BY = None"}, "has no CAUGHT_BY"),
    ],
)
def test_a_seed_that_cannot_be_planted_is_an_error(one_seed, form, says):
    name = one_seed(**form)
    seeds, errors = bugs_catalog.catalog()
    assert seeds == []
    assert len(errors) == 1
    with pytest.raises(AssertionError, match=f"^{name}: .*{says}"):
        raise AssertionError(errors[0])


def test_the_check_plants_nothing(one_seed):
    from daemons.worker.slots import Slots

    before = Slots.take
    one_seed()
    bugs_catalog.catalog()
    assert Slots.take is before


def test_the_fast_ones_are_there(monkeypatch):
    monkeypatch.setattr(bugs_catalog, "names", lambda: ["adopts_nobody"])
    monkeypatch.setattr(bugs_catalog, "FAST", ("adopts_nobody", "no_such_seed"))
    _, errors = bugs_catalog.catalog()
    assert errors == ["no_such_seed: bugs.catalog.FAST names it, and there is none"]
