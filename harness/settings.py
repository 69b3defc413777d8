"""What the suite drives: the daemons' command lines and durations, from beehave.toml and behave's -D options."""

from __future__ import annotations

import shlex
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import HarnessError

SETTINGS_FILE = "beehave.toml"


class Durations(BaseModel):
    """The times that the daemons run with, in milliseconds; docs/contract.md says what each means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    heartbeat_ms: int = Field(gt=0)
    lease_ms: int = Field(gt=0)
    probe_ms: int = Field(gt=0)
    probe_timeout_ms: int = Field(gt=0)
    drain_ms: int = Field(gt=0)
    kill_grace_ms: int = Field(gt=0)
    orphan_grace_ms: int = Field(gt=0)
    mark_down_ms: int = Field(gt=0)
    idle_stop_ms: int = Field(gt=0)
    connect_ms: int = Field(gt=0)
    first_token_ms: int = Field(gt=0)
    between_tokens_ms: int = Field(gt=0)
    deadline_ms: int = Field(gt=0)
    start_up_ms: int = Field(gt=0)
    start_up_loading_ms: int = Field(gt=0)
    download_stall_ms: int = Field(gt=0)
    restart_backoff_ms: int = Field(gt=0)
    restart_backoff_cap_ms: int = Field(gt=0)
    breaker_window_ms: int = Field(gt=0)


class Commands(BaseModel):
    """The command line of each daemon, as a list of words; `{python}` is this interpreter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queen: list[str] = Field(min_length=1)
    hive: list[str] = Field(min_length=1)
    worker: list[str] = Field(min_length=1)


class Settings(BaseModel):
    """Everything of beehave.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    daemons: Commands
    durations: Durations


def load_settings(folder: Path, userdata: Mapping[str, str]) -> Settings:
    """Read beehave.toml of `folder`, or the file named by `-D config=`, with `-D daemon.<role>=` laid over it.

    Raises:
        HarnessError: the file is missing or wrong; the message names each key, what was expected and what came.
    """
    path = folder / userdata.get("config", SETTINGS_FILE)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise HarnessError(
            f"no settings file {path.name} in {folder}: write one (README.md) or give -D config=FILE"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise HarnessError(f"{path.name} is not TOML: {error}") from error
    for role in Commands.model_fields:
        if command := userdata.get(f"daemon.{role}"):
            tables.setdefault("daemons", {})[role] = shlex.split(command)
    try:
        settings = Settings.model_validate(tables)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}, got {item['input']!r}" for item in error.errors()
        )
        raise HarnessError(f"{path.name}: {wrong}") from error
    commands = {
        role: [word.replace("{python}", sys.executable) for word in command]
        for role, command in settings.daemons.model_dump().items()
    }
    return settings.model_copy(update={"daemons": Commands(**commands)})
