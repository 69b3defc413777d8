"""The configuration of a queen: TOML, `QUEEN_...` variables, flags."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from daemons.common.config import DaemonConfig, Listen


class QueenConfig(DaemonConfig):
    """The configuration of a queen."""

    model_config = SettingsConfigDict(env_prefix="QUEEN_")

    listen: Listen = Listen(port=8080)
    data_dir: Path = Path("queen-data")
    """Holds queen.sqlite3, the registry that survives a restart."""
    queue_limit: int = Field(default=256, ge=0, le=100_000)
    """How many requests may wait for a slot, over all models; each costs its connection and its body."""
