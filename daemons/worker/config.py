"""The configuration of a worker; a hive writes it as a file for each worker that it spawns."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from daemons.common.config import DaemonConfig, Section
from daemons.common.wire import BaseUrl, EntityId, ModelRef


def new_worker_id() -> str:
    """Return an id for a worker that was started by hand."""
    return f"wrk-{uuid.uuid4().hex[:12]}"


class HiveLink(Section):
    """The hive that the worker belongs to; without a URL it runs alone."""

    url: BaseUrl | None = None


class Model(Section):
    """The model file, and the model's name: the file's own unless given."""

    path: Path
    ref: ModelRef | None = None


class EngineOptions(Section):
    """The options of the engine."""

    token_interval_ms: int = Field(default=20, ge=0, le=3_600_000)


class DeviceShare(Section):
    """The device that the worker computes on. Without a ledger it has none."""

    name: str = "device"
    memory_bytes: int = Field(default=0, ge=0)
    ledger: Path | None = None


class WorkerConfig(DaemonConfig):
    """The configuration of a worker."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    worker_id: EntityId | None = None
    """Made by the worker when None, not by a default of this class: each reload would seem to change that."""
    instance: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    slots: int = Field(default=2, ge=1, le=1024)
    hive: HiveLink = HiveLink()
    model: Model
    engine: EngineOptions = EngineOptions()
    device: DeviceShare = DeviceShare()
