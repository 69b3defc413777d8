"""The seeded bugs, as printed by the project's own catalogue (`[proof] catalog`); the kit never imports them."""

from __future__ import annotations

import difflib
import json
import shlex
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beehave.errors import HarnessError
from beehave.families import Families
from beehave.settings import filled_in

CATALOG_BOUND_S = 60.0
"""Bound of the catalogue, which imports every daemon and seed: two seconds on an idle machine."""


class CatalogError(HarnessError):
    """A seed cannot be planted, or names a scenario that does not exist."""


@dataclass(frozen=True)
class Seed:
    """One seeded bug, as far as a proof needs to know it."""

    name: str
    role: str
    """The role of the daemon that is wrong, or `harness` for a bug in a child run of behave."""
    families: tuple[str, ...]
    """The families of the scenarios that must fail, in their order."""
    caught_by: tuple[str, ...]
    """The scenarios that must fail, as `features/x.feature::its name`."""
    caught_as: str = "step"
    """The kind of failure that catches it: `step`, or also `leak` or `start_up` for a bug of exactly that kind."""
    patches: str = ""
    fast: bool = False
    digest: str = ""
    text: str = ""

    @property
    def family(self) -> str:
        """The family in which it is counted; empty when there is none."""
        return self.families[0] if self.families else ""

    @property
    def headline(self) -> str:
        """What is wrong, in one line."""
        return " ".join(self.text.split("\n\n")[0].split())


def read_catalog(folder: Path, command: Sequence[str], families: Families) -> list[Seed]:
    """Return every seed of the project in `folder`, as printed by `command`.

    Raises:
        CatalogError: a seed cannot be planted; the message names each, and why.
    """
    argv = filled_in(list(command))
    said = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=CATALOG_BOUND_S)
    try:
        printed = json.loads(said.stdout)
    except json.JSONDecodeError as error:
        raise CatalogError(f"`{shlex.join(argv)}` has not printed a catalogue:\n{said.stderr}") from error
    return seeds_of(printed, families)


def seeds_of(printed: dict[str, Any], families: Families) -> list[Seed]:
    """Return the seeds of a printed catalogue.

    Raises:
        CatalogError: it has errors.
    """
    if printed["errors"]:
        raise CatalogError("\n".join(["seeds that cannot be planted:", *printed["errors"]]))
    return [_seed(entry, families) for entry in printed["seeds"]]


def _seed(entry: dict[str, Any], known: Families) -> Seed:
    named = [known.of(scenario.partition("::")[0]) for scenario in entry["caught_by"]]
    families = tuple(dict.fromkeys(family for family in [*named, entry["family"]] if family))
    return Seed(
        entry["name"],
        entry["role"],
        families,
        tuple(entry["caught_by"]),
        entry["caught_as"],
        entry["patches"],
        entry["fast"],
        entry["digest"],
        entry["text"],
    )


def choose(
    seeds: Sequence[Seed],
    names: Sequence[str],
    families: Families,
    *,
    family: str | None = None,
    fast: bool = False,
) -> list[Seed]:
    """Return the selected seeds: by name, by family, the fast ones, or all.

    Raises:
        HarnessError: there is no seed or family of that name; the message has the most similar name.
    """
    known = {seed.name: seed for seed in seeds}
    for name in names:
        if name not in known:
            near = ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.4)) or "none is near"
            raise HarnessError(f"no seed {name!r}; nearest: {near}")
    families.check(family)
    chosen = [known[name] for name in dict.fromkeys(names)] if names else list(seeds)
    if fast:
        chosen = [seed for seed in chosen if seed.fast]
    if family is not None:
        chosen = [seed for seed in chosen if family in seed.families]
    if not chosen:
        raise HarnessError("prove: no seed was selected")
    return chosen


def check_scenarios(seeds: Sequence[Seed], scenarios: Collection[str]) -> None:
    """Check that every scenario that seeds name exists.

    Raises:
        CatalogError: one does not; the message has the most similar name.
    """
    wrong = []
    for seed in seeds:
        for name in seed.caught_by:
            if name not in scenarios:
                near = difflib.get_close_matches(name, scenarios, n=1, cutoff=0.4)
                hint = f"; nearest: {near[0]}" if near else ""
                wrong.append(f"{seed.name}: it names the scenario {name!r}, which is not there{hint}")
    if wrong:
        raise CatalogError("\n".join(["seeds that name scenarios which are not there:", *wrong]))
