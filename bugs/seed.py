"""What a seed is, and how it is put into the process that is to be wrong.

A seed is a function of a module of `bugs.seeds`, which has a module for each family of features:

    @seed(role="worker", patches="daemons.common.serve:_drain")
    @caught_by(RESTART, "The worker is sent SIGTERM in the middle of a stream")
    def drain_cuts(original):
        ...

It returns the wrong version of the one thing that it replaces. Its docstring says what is wrong, and where it happened
("Real: litellm #36768"); a seed that names no place is imagined. All that it needs stands in it, for its digest is that
of its own source: the imports and the names of features at the top of its module are no part of that.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any

DAEMONS = ("queen", "hive", "worker")
HARNESS = "harness"
KIT = "beehave"
"""The package that a bug of the harness is in."""
ROLES = (*DAEMONS, HARNESS)
CATCHES = ("step", "leak", "start_up")
"""What may catch a seed: a failing step, unless the seed says otherwise."""
FOLDER = Path(__file__).with_name("seeds")
SEED = re.compile(r"^@seed\(.*?^def (\w+)\(original\)", re.MULTILINE | re.DOTALL)


class SeedError(Exception):
    """A seed that cannot be what it says: an error at once, never a pass."""


@dataclass(frozen=True, slots=True)
class Seed:
    """One bug."""

    name: str
    role: str
    patches: str
    caught_by: tuple[str, ...]
    caught_as: str
    family: str | None
    fast: bool
    text: str
    seeded: Callable[[Any], Any]

    @property
    def digest(self) -> str:
        """SHA-256 of its source: another one is another bug."""
        return hashlib.sha256(inspect.getsource(self.seeded).encode()).hexdigest()

    def plant(self, role: str) -> None:
        """Put the bug into this process, which is to be of this role.

        Raises:
            SeedError: it is another role's, or as `check` says.
        """
        if self.role != role:
            raise SeedError(f"{self.name}: it is a bug of a {self.role}, not of a {role}")
        owner, attribute, replacement = self._place()
        setattr(owner, attribute, replacement)

    def check(self) -> None:
        """See whether it could be planted, and plant nothing.

        Raises:
            SeedError: what it replaces is not there (any more), stays as it was, or takes other parameters.
        """
        self._place()

    def _place(self) -> tuple[Any, str, Any]:
        module_name, _, path = self.patches.partition(":")
        *owners, attribute = path.split(".")
        try:
            owner: Any = importlib.import_module(module_name)
            for part in owners:
                owner = vars(owner)[part]
            original = vars(owner)[attribute]  # its own, as it stands there: not inherited, and not bound
        except (ImportError, KeyError) as error:
            raise SeedError(f"{self.name}: {self.patches} is not there (any more): {error!r}") from error
        try:
            replacement = self.seeded(original)
        except (ImportError, AttributeError) as error:
            raise SeedError(f"{self.name}: what it needs is not there (any more): {error}") from error
        if replacement is original:
            raise SeedError(f"{self.name}: it leaves {self.patches} as it was")
        wanted, given = _parameters(original), _parameters(replacement)
        if wanted is not None and given is not None and wanted != given:
            raise SeedError(f"{self.name}: {self.patches} takes {wanted} by now, the seed's version takes {given}")
        return owner, attribute, replacement


def seed(
    *, role: str, patches: str, caught_as: str = CATCHES[0], family: str | None = None, fast: bool = False
) -> Callable[[Callable[[Any], Any]], Seed]:
    """Make a seed of a function that takes the original and returns the wrong version.

    Args:
        role: the daemon that is wrong: `queen`, `hive` or `worker`; or `harness`, for a child run of behave that is.
        patches: the one thing that it replaces, as `module:name` or `module:Class.name`.
        caught_as: `leak` or `start_up` when the bug is about exactly that: then a scenario that fails at its end only,
            or a daemon that does not start, is a catch; of any other bug it is none.
        family: the family (`A1` ...) of a seed that no scenario catches yet; its docstring says then which sentence is
            too weak.
        fast: whether it is for `beehave prove --fast`: quick seeds of different families, as many as a test before a
            merge has time for.
    """

    def make(function: Callable[[Any], Any]) -> Seed:
        scenarios = tuple(getattr(function, "caught_by", ()))
        text = inspect.cleandoc(function.__doc__ or "")
        return Seed(function.__name__, role, patches, scenarios, caught_as, family, fast, text, function)

    return make


def caught_by(feature: str, scenario: str) -> Callable[[Any], Any]:
    """Name a scenario that must notice, below `seed`; of an outline it is named with the values of the row.

    The first one gives the seed its family.
    """

    def name(function: Any) -> Any:
        function.caught_by = [f"{feature}::{scenario}", *getattr(function, "caught_by", ())]
        return function

    return name


def modules() -> Mapping[str, str]:
    """Return the module of every seed there is, by the seed's name; it imports none.

    Raises:
        SeedError: two seeds have one name.
    """
    found: dict[str, str] = {}
    for path in sorted(FOLDER.glob("[!_]*.py")):
        for name in SEED.findall(path.read_text(encoding="utf-8")):
            if name in found:
                raise SeedError(f"{name}: a seed of {found[name]}.py and one of {path.name} have this name")
            found[name] = path.stem
    return dict(sorted(found.items()))


def load(name: str) -> Seed:
    """Read a seed, and import nothing but its module.

    Raises:
        SeedError: there is none of that name, or it is of no role, or has no docstring, or the like.
    """
    module_of = modules()
    if name not in module_of:
        raise SeedError(f"no seed {name!r}; there are: {', '.join(module_of)}")
    try:
        found: Seed = vars(importlib.import_module(f"bugs.seeds.{module_of[name]}"))[name]
    except ImportError as error:
        raise SeedError(f"{name}: what it needs is not there (any more): {error}") from error
    if not found.text:
        raise SeedError(f"{name}: it has no docstring")
    if found.role not in ROLES:
        raise SeedError(f"{name}: its role is {found.role!r}, not one of {', '.join(ROLES)}")
    package = KIT if found.role == HARNESS else "daemons"
    if not found.patches.startswith(f"{package}."):
        raise SeedError(f"{name}: it patches {found.patches!r}, but a bug of a {found.role} is in {package}/")
    if found.caught_as not in CATCHES:
        raise SeedError(f"{name}: it is caught as {found.caught_as!r}, not one of {', '.join(CATCHES)}")
    return found


def _parameters(thing: object) -> list[str] | None:
    """Return the names of a function's parameters as its callers know them; None for what is no function."""
    if isinstance(thing, staticmethod | classmethod):
        thing = thing.__func__
    if not isinstance(thing, FunctionType):
        return None
    return [name.lstrip("_") for name in inspect.signature(thing).parameters]
