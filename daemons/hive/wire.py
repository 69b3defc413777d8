"""The requests that clients and the queen send to a hive, and its answers. Leases and rows are in `common.wire`."""

from __future__ import annotations

from typing import Literal

from daemons.common.wire import ClientRequest, DeviceEntry, HiveLease, ModelRef, Resources, Wire, WorkerRow


class PullRequest(ClientRequest):
    """`POST /v1/models`."""

    model: ModelRef


class RowList(Wire):
    """`GET /v1/workers`."""

    workers: list[WorkerRow]


class NodeResources(Resources):
    """`GET /v1/resources`."""

    disk_available_bytes: int
    """Free space where the models are kept."""


class DeviceList(Wire):
    """`GET /v1/devices`."""

    devices: list[DeviceEntry]


class Lease(HiveLease):
    """What this hive pushes to the queen, and answers to `GET /v1/lease`."""

    resources: NodeResources


PullState = Literal["queued", "downloading", "verifying", "done", "failed"]


class PullAnswer(Wire):
    """`POST /v1/models`: 202 while it is being pulled, 200 when it is there."""

    model: str
    state: PullState
    size_bytes: int


class PullFault(Wire):
    """Why a pull failed."""

    code: str
    message: str


class PullProgress(Wire):
    """One event of `GET /v1/models/{ref}/progress`."""

    model: str
    state: PullState
    received_bytes: int
    size_bytes: int
    tries: int
    error: PullFault | None = None


class Accepted(Wire):
    """The request was accepted; its outcome is visible elsewhere."""

    accepted: bool = True
