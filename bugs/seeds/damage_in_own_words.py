"""A damaged catalog is logged with a sentence of the hive's own in place of what SQLite says.

Imagined: code and sentence are there; what is wrong with the file nobody learns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from daemons.hive.recovery.damage import Damage

ROLE = "hive"
PATCHES = "daemons.hive.recovery.mender:judge_error"
CAUGHT_BY = ["features/integration/database_failure.feature::The header of a hive's catalog is destroyed"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """One sentence for all."""

    def judge_error(error: sqlite3.Error, *, exists: bool) -> Damage | None:
        damage: Damage | None = original(error, exists=exists)
        return replace(damage, message="the catalog cannot be read") if damage is not None else None

    return judge_error
