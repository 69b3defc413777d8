"""What travels between the daemons: the rows and leases of the contract (docs/contract.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
MODEL_REF_PATTERN = r"^[a-z0-9][a-z0-9._-]*(:[a-z0-9._-]+)?$"

WORKER_ID_HEADER = "x-worker-id"
"""Queen to hive: which worker the queen chose. In an answer: which worker served."""

EntityId = Annotated[str, Field(pattern=ID_PATTERN)]
ModelRef = Annotated[str, Field(pattern=MODEL_REF_PATTERN, max_length=128)]
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+$", max_length=256)]
"""Scheme, host and port, without a slash at the end: paths are put behind it."""
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0)]
RestartPolicy = Literal["always", "on-failure", "never"]


class WorkerState(StrEnum):
    """The life of a worker, as its hive sees it."""

    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"


class HiveState(StrEnum):
    """A hive, as the queen sees it."""

    AVAILABLE = "available"
    SUSPECT = "suspect"
    UNAVAILABLE = "unavailable"


class Wire(BaseModel):
    """A travelling object. Unknown fields are ignored, so that a newer peer of the same major version is understood."""

    # Not deferred: FastAPI would build a body's validator at the first request, with a warning on stderr.
    model_config = ConfigDict(frozen=True, extra="ignore")


class WorkerLease(Wire):
    """A worker's ready call and heartbeat: PUT hive /v1/workers/{id}/lease."""

    instance: str
    pid: int
    start_ticks: int
    port: Port
    state: Literal[WorkerState.LOADING, WorkerState.READY, WorkerState.DRAINING]
    slots_total: Count
    slots_busy: Count
    served_total: Count
    load_progress: float = Field(ge=0, le=1)


class WorkerLeaseAnswer(Wire):
    """The hive's answer to a worker's lease."""

    lease_ms: int
    hive_instance: str


class Shortage(Wire):
    """What there was too little of, when a worker ran, or would have run, out of memory."""

    of: Literal["device", "memory_limit", "host"]
    device: str | None = None
    """The device's name, when it is one."""
    needed_bytes: Count
    """All that the worker needed, as far as it came to be known: at least so much."""
    available_bytes: Count
    """All that there was for it."""


class WorkerRow(Wire):
    """One worker: the same object in the hive's list, in the hive's lease and, with more, in the queen's list."""

    id: EntityId
    instance: str
    state: WorkerState
    reason: str | None = None
    """Why it is in this state, as a code: out_of_memory, start_up_timeout."""
    detail: str | None = None
    """The same for people: its last log line, the download's fault."""
    model: ModelRef
    pid: int | None = None
    start_ticks: int | None = None
    port: Port | None = None
    slots_total: Count
    slots_busy: Count = 0
    served_total: Count = 0
    restarts: Count = 0
    device: str | None = None
    memory_limit_bytes: Count | None = None
    shortage: Shortage | None = None
    """The figures behind the reason `out_of_memory`."""
    restart_policy: RestartPolicy = "on-failure"
    load_progress: float = 0.0
    healthy: bool = True
    """False while its hive's probes of it have struck out: it is not routed to, and comes back without a restart."""


class Departure(Wire):
    """A worker process that ended, as its hive saw it."""

    id: EntityId
    instance: str
    pid: int | None
    exit_status: int | None = None
    signal: int | None = None
    reason: str
    forced: bool = False


class DeviceUse(Wire):
    """What one worker has of a device."""

    worker_id: str
    pid: int
    used_bytes: Count
    reserved_bytes: Count
    """What admission has set aside for it while it loads; 0 from then on."""


class DeviceEntry(Wire):
    """A device of a node, with all who use it: two hives may share one, so they may be another hive's."""

    name: str
    memory_bytes: Count
    used_bytes: Count
    claimed_bytes: Count
    """What is used or set aside: the rest is free for the next worker."""
    workers: list[DeviceUse] = []
    fault: str | None = None
    """Why the ledger of the device cannot be read, when it cannot: nothing is started on it then."""


class ModelEntry(Wire):
    """A model in a hive's catalog."""

    ref: ModelRef
    size_bytes: Count
    sha256: str


class Resources(Wire):
    """What a node has."""

    cpus: int
    memory_total_bytes: int
    memory_available_bytes: int


class HiveLease(Wire):
    """A hive's heartbeat, always the full picture: PUT queen /v1/hives/{id}/lease, and GET hive /v1/lease."""

    instance: str
    sequence: Count
    url: BaseUrl
    version: str
    pid: int
    start_ticks: int
    state: Literal["ready", "draining"]
    workers: list[WorkerRow]
    departed: list[Departure] = []
    models: list[ModelEntry] = []
    devices: list[DeviceEntry] = []
    resources: Resources


class HiveLeaseAnswer(Wire):
    """The queen's answer to a hive's lease."""

    lease_ms: int
    queen_instance: str


class ShutdownRequest(Wire):
    """POST /v1/shutdown."""

    scope: Literal["self", "cluster"] = "self"
