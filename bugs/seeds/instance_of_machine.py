"""A hive's instance is made from the machine's id, so that all hives of one machine, and all starts of one hive, share
it.

Imagined (cloned machines with one machine-id). Must be noticed where hives have to be distinct.
"""

from __future__ import annotations

import uuid
from types import ModuleType, SimpleNamespace

ROLE = "hive"
PATCHES = "daemons.common.daemon:uuid"
CAUGHT_BY = ["features/integration/multi_hive.feature::Three hives register in the same instant"]


def seeded(original: ModuleType) -> SimpleNamespace:  # noqa: ARG001
    """Always the same."""
    return SimpleNamespace(uuid4=lambda: uuid.uuid5(uuid.NAMESPACE_DNS, "machine-id"))
