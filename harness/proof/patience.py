"""How long the runs of a proof wait: most of their time is waiting in vain, since the product is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from harness.settings import SETTINGS_FILE
from harness.toml_writer import write_toml

SEEDED = {"start_up_ms": 10_000}
"""For one bug: the suite lets a start take 30 s on a machine at its limit. With a few runs at once none takes over 3 s,
and the clean run shows each time that this is enough."""
STAND_IN = {"start_up_ms": 4000, "drain_ms": 300, "kill_grace_ms": 300}
"""For a product that does nothing: nearly everything is waited for in vain, first for a hive to be known, which may
take as long as a start (1 s on a busy machine), and then for a frozen daemon to end."""


def settings_for(folder: Path, place: Path, waits: Mapping[str, int]) -> dict[str, str]:
    """Write the project's settings with these durations to `place`; returns the `-D` option that takes them."""
    path = place / SETTINGS_FILE
    write_toml(path, with_durations((folder / SETTINGS_FILE).read_text(encoding="utf-8"), waits))
    return {"config": str(path.resolve())}


def with_durations(settings: str, waits: Mapping[str, int]) -> Mapping[str, Mapping[str, object]]:
    """Return the settings in this text with other durations."""
    tables = tomllib.loads(settings)
    return tables | {"durations": tables["durations"] | waits}
