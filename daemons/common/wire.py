"""What the daemons send each other, and what clients send to more than one of them (docs/contract.md)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"

MODEL_REF_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]*(:[a-z0-9._-]+)?$"
"""`tiny:1b`: lower-case letters, digits, dots, dashes and underscores, and at most one tag behind a colon."""
MODEL_REF_MAX_LENGTH: Final = 128
"""Well under the 255 bytes of a file name, with the suffixes that follow it."""
_AMBIGUOUS: Final = ("--", "-:", ":-")
"""The colon becomes `--` in the name of a model's file, so next to another dash two refs would share one file."""

SLOTS_MAX: Final = 1024
TOKEN_INTERVAL_MAX_MS: Final = 60_000
"""A longer interval would exceed the default bound between tokens."""

WORKER_ID_HEADER = "x-worker-id"
"""Queen to hive: which worker the queen chose. In an answer: which worker served."""


def is_model_ref(text: str) -> bool:
    """Return whether `text` is a model reference. It cannot leave a folder: no slash, no leading dot, no NUL."""
    return (
        len(text) <= MODEL_REF_MAX_LENGTH
        and re.fullmatch(MODEL_REF_PATTERN, text) is not None
        and not any(pair in text for pair in _AMBIGUOUS)
    )


def checked_ref(text: str) -> str:
    """Return a model reference unchanged. Raises ValueError for any other text."""
    if not is_model_ref(text):
        raise ValueError("a model reference looks like `tiny:1b`, without `--` and without a dash beside the colon")
    return text


EntityId = Annotated[str, Field(pattern=ID_PATTERN)]
ModelRef = Annotated[
    str,
    Field(pattern=MODEL_REF_PATTERN, max_length=MODEL_REF_MAX_LENGTH, examples=["tiny:1b"]),
    AfterValidator(checked_ref),
]
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+$", max_length=256)]
"""Scheme, host and port, without a slash at the end: paths are put behind it."""
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0)]


class RestartPolicy(StrEnum):
    """When a worker that ended without being asked to is started again."""

    ALWAYS = "always"
    ON_FAILURE = "on-failure"
    NEVER = "never"


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
    """What a daemon sends. Unknown fields are ignored, so that a newer peer of the same major version is understood."""

    # Not deferred: FastAPI would build a body's validator at the first request, with a warning on stderr.
    model_config = ConfigDict(frozen=True, extra="ignore")


class ClientRequest(BaseModel):
    """What a client sends: an unknown field is a mistake, and is answered with 400."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
    """The figures of a worker that ran, or would have run, out of memory."""

    of: Literal["device", "memory_limit", "host"]
    device: str | None = None
    """The device's name, when `of` is `device`."""
    needed_bytes: Count
    """A lower bound of the memory that the worker needed."""
    available_bytes: Count
    """All the memory that was available to it."""


class WorkerRow(Wire):
    """One worker: the same object in the hive's list, in the hive's lease and, with more, in the queen's list."""

    id: EntityId
    instance: str
    state: WorkerState
    reason: str | None = None
    """Why it is in this state, as a code: `out_of_memory`, `start_up_timeout`."""
    detail: str | None = None
    """The same for people: its last log line, or why the download failed."""
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
    restart_policy: RestartPolicy = RestartPolicy.ON_FAILURE
    load_progress: float = 0.0
    healthy: bool = True
    """False while too many of its hive's probes have failed: it is not routed to, and comes back without a restart."""


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
    """The part of a device's memory that one worker has."""

    worker_id: str
    pid: int
    used_bytes: Count
    reserved_bytes: Count
    """What admission has reserved for it while it loads; 0 once it has loaded."""


class DeviceEntry(Wire):
    """A device of a node, with all workers on it: two hives may share one, so some may be another hive's."""

    name: str
    memory_bytes: Count
    used_bytes: Count
    claimed_bytes: Count
    """What is used or reserved: the rest is free for the next worker."""
    workers: list[DeviceUse] = []
    fault: str | None = None
    """Why the device's ledger cannot be read, else None: nothing is started on it then."""


class ModelEntry(Wire):
    """A model in a hive's catalog."""

    ref: ModelRef
    size_bytes: Count
    sha256: str


class Resources(Wire):
    """Processors and memory of a node."""

    cpus: int
    memory_total_bytes: int
    memory_available_bytes: int


class HiveLease(Wire):
    """A hive's heartbeat with its complete state: PUT queen /v1/hives/{id}/lease, and GET hive /v1/lease."""

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


class SpawnRequest(ClientRequest):
    """`POST /v1/workers`. Fields that are left out come from the hive's `[worker]` settings."""

    model: ModelRef
    id: EntityId | None = None
    slots: Annotated[StrictInt, Field(ge=1, le=SLOTS_MAX)] | None = None
    restart: RestartPolicy | None = None
    token_interval_ms: Annotated[StrictInt, Field(ge=0, le=TOKEN_INTERVAL_MAX_MS)] | None = None
    memory_limit_bytes: Annotated[StrictInt, Field(gt=0)] | None = None


class ModelCard(Wire):
    """One model of `GET /v1/models`, in the shape of OpenAI's list."""

    id: str
    object: Literal["model"] = "model"
    created: int
    """Seconds since 1970, when the hive registered the model; 0 in the queen's list."""
    owned_by: str = "beehave"
    size_bytes: int
    sha256: str


class ModelList(Wire):
    """`GET /v1/models`."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


class ShutdownRequest(ClientRequest):
    """`POST /v1/shutdown`: this daemon with what is below it, or the whole cluster."""

    scope: Literal["self", "cluster"] = "self"
