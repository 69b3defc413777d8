"""A hive serves a document that says something else than docs/openapi/hive.json.

Imagined. Must be noticed by the contract's scenario alone.
"""

from __future__ import annotations

ROLE = "hive"
PATCHES = "daemons.hive.app:_DESCRIPTION"
CAUGHT_BY = ["features/full_stack/contract.feature::The hive's file"]


def seeded(original: str) -> str:
    """One sentence more."""
    return original + " It also makes honey."
