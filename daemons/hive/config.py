"""The hive's configuration: TOML < environment (`HIVE_…`) < flags."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import socket
import sys
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import SettingsConfigDict

from daemons.common.config import DaemonConfig, Listen, Section
from daemons.common.exits import ExitStatus, FatalError
from daemons.common.wire import ID_PATTERN, SLOTS_MAX, TOKEN_INTERVAL_MAX_MS, RestartPolicy

DEFAULT_PORT: Final = 9200


def _http_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s]+/?", text):
        raise ValueError("should be the base URL of a server, like http://127.0.0.1:8080")
    return text.rstrip("/")


Url = Annotated[str, AfterValidator(_http_url)]


class Queen(Section):
    """The queen that this hive leases from."""

    url: Url | None = None
    """None: a hive on its own, which clients reach by its address."""


class Hub(Section):
    """The model hub that models are pulled from."""

    url: Url | None = None
    """None: only models that are in the catalog already can be used."""


class Worker(Section):
    """How workers are started, and the defaults of a spawn request."""

    command: tuple[str, ...] = (sys.executable, "-m", "daemons.worker")
    """The worker's command; the hive appends `--config FILE`. It must exec the worker, not start it as a child."""
    host: str | None = None
    """The address that workers listen on; None: the hive's own where that is a loopback address, else 127.0.0.1."""
    slots: int = Field(default=2, ge=1, le=SLOTS_MAX)
    token_interval_ms: int = Field(default=20, ge=0, le=TOKEN_INTERVAL_MAX_MS)
    restart: RestartPolicy = RestartPolicy.ON_FAILURE
    memory_limit_bytes: int | None = Field(default=None, gt=0)
    """None: a worker may use all memory of the node."""

    @field_validator("command")
    @classmethod
    def _names_a_program(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if not command or not command[0]:
            raise ValueError("should name a program")
        return command

    @field_validator("host")
    @classmethod
    def _stays_on_the_node(cls, host: str | None) -> str | None:
        # A node exposes one port, the hive's: workers are reached only through it.
        if host is not None and not is_loopback(host):
            raise ValueError("should be a loopback address: workers are reached only through their hive")
        return host


class Device(Section):
    """A device that workers compute on, `[[devices]]`. It is declared, not detected: a ledger file counts its use."""

    name: str = Field(pattern=ID_PATTERN)
    memory_bytes: int = Field(gt=0)
    ledger: Path
    """Hives that share the device name the same file."""


class Memory(Section):
    """How the memory limits of workers are enforced."""

    enforce: Literal["auto", "cgroup", "watchdog"] = "auto"
    """auto: by a control group where one can be made, else by the hive's own watchdog."""
    cgroup: Path | None = None
    """The parent of the workers' control groups; None: the hive's own group."""


class HiveConfig(DaemonConfig):
    """The whole configuration of a hive."""

    model_config = SettingsConfigDict(env_prefix="HIVE_")

    listen: Listen = Listen(port=DEFAULT_PORT)
    hive_id: str = Field(default_factory=lambda: _node_name(), pattern=ID_PATTERN)  # noqa: PLW0108 defined below
    data_dir: Path = Path("hive-data")
    url: Url | None = None
    """The URL by which the queen reaches this hive; None: its listener's, by host name when that is every address."""
    queen: Queen = Queen()
    hub: Hub = Hub()
    worker: Worker = Worker()
    devices: tuple[Device, ...] = ()
    memory: Memory = Memory()

    @field_validator("devices")
    @classmethod
    def _have_their_own_names(cls, devices: tuple[Device, ...]) -> tuple[Device, ...]:
        names = [device.name for device in devices]
        if len(set(names)) < len(names) or len({device.ledger for device in devices}) < len(names):
            raise ValueError("should have a name and a ledger of its own for each device")
        return devices

    @property
    def worker_host(self) -> str:
        """The loopback address that this hive's workers listen on."""
        if self.worker.host is not None:
            return self.worker.host
        return self.listen.host if is_loopback(self.listen.host) else "127.0.0.1"

    def checked(self) -> Self:
        """Return this configuration, if a worker can be started with it: found out now, not at the first spawn.

        Raises:
            FatalError: 2 when the worker's program is not found or cannot be executed.
        """
        program = self.worker.command[0]
        if shutil.which(program) is None:
            what = "cannot be executed" if os.path.exists(program) else "is not found"  # noqa: PTH110 may be a bare name
            raise FatalError(
                ExitStatus.USAGE,
                f"bad configuration (1 error): worker.command: the program {program!r} {what}. "
                "Name an executable file, or one on the PATH.",
            )
        return self


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _node_name() -> str:
    """Return the node's host name, turned into a valid id."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64].lstrip("._-")
    return name or "hive"
