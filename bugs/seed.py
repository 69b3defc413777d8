"""What a seed is, and how it is put into a daemon's own process.

A seed is a module of `bugs.seeds` with a docstring that says what is wrong and where that happened, and with:

- `ROLE`: the daemon that is wrong: `queen`, `hive` or `worker`.
- `PATCHES`: the one thing that it replaces, as `module:name` or `module:Class.name`.
- `CAUGHT_BY`: the scenarios that must notice, each as `features/....feature::its name` (of an outline: with the values
  of the row). Empty when none does yet; the docstring says then which sentence is too weak.
- `seeded(original)`: the wrong version of that thing.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

ROLES = ("queen", "hive", "worker")
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
    text: str
    seeded: Callable[[Any], Any]

    def plant(self, role: str) -> None:
        """Put the bug into this process, which is to be a daemon of this role.

        Raises:
            SeedError: it is another role's, or what it replaces is not there (any more), or takes other parameters.
        """
        if self.role != role:
            raise SeedError(f"{self.name}: it is a bug of a {self.role}, not of a {role}")
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
        setattr(owner, attribute, replacement)


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
    module = importlib.import_module(f"bugs.seeds.{name}")
    missing = [each for each in ("ROLE", "PATCHES", "CAUGHT_BY", "seeded", "__doc__") if _lacks(module, each)]
    if missing:
        raise SeedError(f"{name}: bugs/seeds/{name}.py has no {', '.join(missing)}")
    if module.ROLE not in ROLES:
        raise SeedError(f"{name}: ROLE is {module.ROLE!r}, not one of {', '.join(ROLES)}")
    return Seed(name, module.ROLE, module.PATCHES, module.CAUGHT_BY, str(module.__doc__).strip(), module.seeded)


def _lacks(module: ModuleType, name: str) -> bool:
    return getattr(module, name, None) is None


def _parameters(thing: object) -> list[str] | None:
    """The names of a function's parameters as its callers know them; None for what is no function."""
    if isinstance(thing, staticmethod | classmethod):
        thing = thing.__func__
    if not isinstance(thing, FunctionType):
        return None
    return [name.lstrip("_") for name in inspect.signature(thing).parameters]
