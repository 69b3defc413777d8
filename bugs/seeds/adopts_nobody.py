"""A new hive kills the workers that an earlier one left, and starts them anew.

Imagined. The counts agree; only who they are shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from daemons.hive.workers.adoption import Adoption
from daemons.hive.workers.claim import Claim

ROLE = "hive"
PATCHES = "daemons.hive.workers.claim:Claim.judge"
CAUGHT_BY = [
    "features/integration/recovery.feature::A killed hive's workers live on, and its successor adopts exactly them"
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Kill what could be adopted."""

    def judge(self: Claim, *, waited: bool = False) -> Any:
        verdict = original(self, waited=waited)
        return Adoption.KILL if verdict is Adoption.ADOPT else verdict

    return judge
