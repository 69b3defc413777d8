"""What a seed is, and how it is put into the process that is to be wrong.

A seed is a module of `bugs.seeds` with a docstring that says what is wrong and where that happened, and with:

- `ROLE`: the daemon that is wrong: `queen`, `hive` or `worker`; or `harness`, for a child run of behave that is.
- `PATCHES`: the one thing that it replaces, as `module:name` or `module:Class.name`.
- `CAUGHT_BY`: the scenarios that must notice, each as `features/....feature::its name` (of an outline: with the values
  of the row). Empty when none does yet; the docstring says then which sentence is too weak.
- `seeded(original)`: the wrong version of that thing.
- `CAUGHT_AS`, optional: `leak` or `start_up` when the bug is about exactly that: then a scenario that fails at its end
  only, or a daemon that does not start, is a catch; of any other bug it is none.
- `FAMILY`, optional: the family (`A1` ...) of a seed whose `CAUGHT_BY` is empty.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

DAEMONS = ("queen", "hive", "worker")
HARNESS = "harness"
ROLES = (*DAEMONS, HARNESS)
CATCHES = ("step", "leak", "start_up")
"""What may catch a seed: a failing step, unless the seed says otherwise."""
FOLDER = Path(__file__).with_name("seeds")


class SeedError(Exception):
    """A seed that cannot be what it says: an error at once, never a pass."""


@dataclass(frozen=True, slots=True)
class Seed:
    """One bug, read from its module."""

    name: str
    role: str
    patches: str
    caught_by: Sequence[str]
    caught_as: str
    family: str | None
    text: str
    digest: str
    """SHA-256 of its module: another one is another bug."""
    seeded: Callable[[Any], Any]

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
        replacement = self.seeded(original)
        if replacement is original:
            raise SeedError(f"{self.name}: it leaves {self.patches} as it was")
        wanted, given = _parameters(original), _parameters(replacement)
        if wanted is not None and given is not None and wanted != given:
            raise SeedError(f"{self.name}: {self.patches} takes {wanted} by now, the seed's version takes {given}")
        return owner, attribute, replacement


def names() -> list[str]:
    """Return every seed there is, by name."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


def load(name: str) -> Seed:
    """Read a seed.

    Raises:
        SeedError: there is none of that name, or its module lacks something.
    """
    if name not in names():
        raise SeedError(f"no seed {name!r}; there are: {', '.join(names())}")
    try:
        module = importlib.import_module(f"bugs.seeds.{name}")
    except ImportError as error:  # it imports what it needs of the daemons, mostly what it patches
        raise SeedError(f"{name}: what it needs is not there (any more): {error}") from error
    missing = [each for each in ("ROLE", "PATCHES", "CAUGHT_BY", "seeded", "__doc__") if _lacks(module, each)]
    if missing:
        raise SeedError(f"{name}: bugs/seeds/{name}.py has no {', '.join(missing)}")
    if module.ROLE not in ROLES:
        raise SeedError(f"{name}: ROLE is {module.ROLE!r}, not one of {', '.join(ROLES)}")
    package = HARNESS if module.ROLE == HARNESS else "daemons"
    if not module.PATCHES.startswith(f"{package}."):
        raise SeedError(f"{name}: PATCHES is {module.PATCHES!r}, but a bug of a {module.ROLE} is in {package}/")
    caught_as = getattr(module, "CAUGHT_AS", CATCHES[0])
    if caught_as not in CATCHES:
        raise SeedError(f"{name}: CAUGHT_AS is {caught_as!r}, not one of {', '.join(CATCHES)}")
    return Seed(
        name,
        module.ROLE,
        module.PATCHES,
        tuple(module.CAUGHT_BY),
        caught_as,
        getattr(module, "FAMILY", None),
        str(module.__doc__).strip(),
        hashlib.sha256((FOLDER / f"{name}.py").read_bytes()).hexdigest(),
        module.seeded,
    )


def _lacks(module: ModuleType, name: str) -> bool:
    return getattr(module, name, None) is None


def _parameters(thing: object) -> list[str] | None:
    """The names of a function's parameters as its callers know them; None for what is no function."""
    if isinstance(thing, staticmethod | classmethod):
        thing = thing.__func__
    if not isinstance(thing, FunctionType):
        return None
    return [name.lstrip("_") for name in inspect.signature(thing).parameters]
