"""All kinds of fault, found in this package, so that hand-written lists of them can be checked."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

from beehave import faults
from beehave.faults.base import Fault


def kinds() -> frozenset[str]:
    """Return the names of all concrete faults of this package, those of modules not yet imported included."""
    for module in pkgutil.iter_modules(faults.__path__, f"{faults.__name__}."):
        importlib.import_module(module.name)
    ours = (kind for kind in _below(Fault) if kind.__module__.startswith(f"{faults.__name__}."))
    return frozenset(kind.__name__ for kind in ours if not inspect.isabstract(kind))


def _below(kind: type[Any]) -> set[type[Any]]:
    direct = set(kind.__subclasses__())
    return direct.union(*(_below(each) for each in direct))
