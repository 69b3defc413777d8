"""The requests that clients and the queen send to a hive, and its answers. Leases and rows are in `common.wire`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from daemons.common.wire import DeviceEntry, EntityId, HiveLease, Resources, Wire, WorkerRow
from daemons.hive.refs import REF_MAX_LENGTH, REF_PATTERN, is_model_ref
from daemons.hive.states import RestartWhen

SLOTS_MAX: Final = 1024
TOKEN_INTERVAL_MAX_MS: Final = 60_000
"""A longer interval would exceed the default bound between tokens."""


def checked_ref(text: str) -> str:
    """Return a model reference unchanged. Raises ValueError for any other text, which is answered with 400."""
    if not is_model_ref(text):
        raise ValueError("a model reference looks like `tiny:1b`, without `--` and without a dash beside the colon")
    return text


ModelRef = Annotated[
    str, Field(pattern=REF_PATTERN, max_length=REF_MAX_LENGTH, examples=["tiny:1b"]), AfterValidator(checked_ref)
]


class _Asked(BaseModel):
    """A request of a client: an unknown field is a mistake, and is answered with 400."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SpawnRequest(_Asked):
    """`POST /v1/workers`. Fields that are left out come from the hive's `[worker]` settings."""

    model: ModelRef
    id: EntityId | None = None
    slots: Annotated[StrictInt, Field(ge=1, le=SLOTS_MAX)] | None = None
    restart: RestartWhen | None = None
    token_interval_ms: Annotated[StrictInt, Field(ge=0, le=TOKEN_INTERVAL_MAX_MS)] | None = None
    memory_limit_bytes: Annotated[StrictInt, Field(gt=0)] | None = None


class PullRequest(_Asked):
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


class ModelCard(Wire):
    """One entry of `GET /v1/models`, in the shape of the OpenAI list."""

    id: str
    object: Literal["model"] = "model"
    created: int
    """Seconds since 1970, when the model was registered here."""
    owned_by: str = "beehave"
    size_bytes: int
    sha256: str


class ModelList(Wire):
    """`GET /v1/models`."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


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
