"""Which family of behaviours a feature belongs to: the letters and numbers by which proofs and progress are counted."""

from __future__ import annotations

from pathlib import PurePosixPath

FAMILIES = {
    "A1": "features/integration/multi_hive.feature",
    "A2": "features/integration/worker_churn.feature",
    "A3": "features/integration/worker_restart_during_inference.feature",
    "A4": "features/integration/network_partition.feature",
    "A5": "features/integration/database_failure.feature",
    "A6": "features/integration/out_of_memory.feature",
    "A7": "features/integration/concurrency.feature",
    "A8": "features/integration/performance.feature",
    "A9": "features/integration/recovery.feature",
    "B": "features/full_stack",
    "E": "features/processes",
    "I": "features/harness",
}
"""By family, the feature or the folder of features that states it."""


def family_of(file: str) -> str | None:
    """Return the family of a feature file, relative to the project's folder; None for one of no family."""
    path = PurePosixPath(file)
    for family, place in FAMILIES.items():
        if path.is_relative_to(place):
            return family
    return None
