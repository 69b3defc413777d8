"""What a queen can be told: TOML, `QUEEN_…` variables, flags."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from daemons.common.config import DaemonConfig, Listen


class QueenConfig(DaemonConfig):
    """The configuration of a queen."""

    model_config = SettingsConfigDict(env_prefix="QUEEN_")

    listen: Listen = Listen(port=8080)
    data_dir: Path = Path("queen-data")
    """Holds queen.sqlite3, the registry that survives a restart."""
