"""The states of a worker and the reasons for them: closed lists that are part of every row.

`starting -> loading -> ready -> draining -> (row removed)`, or `stopped`, or `failed` with a reason. A row whose worker
crashed and waits for its restart is `starting` with the reason `backing_off`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from daemons.common.wire import WorkerState


class Reason(StrEnum):
    """Why a row is in its state, or why its worker departed."""

    PULLING = "pulling"
    """The model is being downloaded; there is no process yet."""
    ADOPTING = "adopting"
    """A process of an earlier hive that has not yet proved that it is this worker."""
    BACKING_OFF = "backing_off"
    """It ended by itself and is restarted after its backoff."""
    UNHEALTHY = "unhealthy"
    """Its probes failed `probe_strikes` times in a row: alive, but not routed to."""
    LEASE_EXPIRED = "lease_expired"
    """It answers probes but no lease came for `lease_ms`: not routed to."""
    IDLE = "idle"
    """It served nothing for `idle_stop_ms`."""
    STOP_ASKED = "stop_asked"
    RESTART_ASKED = "restart_asked"
    HIVE_STOPPING = "hive_stopping"
    EXITED = "exited"
    """It ended by itself with status 0 and its policy does not restart it."""
    CRASHED = "crashed"
    """It ended by itself otherwise and its policy does not restart it."""
    RESTART_LIMIT = "restart_limit"
    """The breaker: `breaker_restarts` restarts within `breaker_window_ms`, and it ended once more."""
    CONFIGURATION = "configuration"
    """The worker rejected its configuration (exit status 2): another try cannot help."""
    MODEL_MISSING_OR_CORRUPT = "model_missing_or_corrupt"
    """The worker rejected its model file (exit status 4): another try cannot help."""
    START_UP_TIMEOUT = "start_up_timeout"
    """No ready call came within its bound; the hive killed it."""
    OUT_OF_MEMORY = "out_of_memory"
    """Not enough memory for it, as admission, its device, the kernel or the hive's watchdog has proved."""
    CANNOT_START = "cannot_start"
    """The operating system could not start the command."""
    MODEL_NOT_FOUND = "model_not_found"
    STORAGE_FULL = "storage_full"
    DOWNLOAD_FAILED = "download_failed"
    HUB_UNAVAILABLE = "hub_unavailable"
    INTERNAL = "internal"
    """The hive's own code failed while it supervised this worker; the hive's log has the traceback."""


class KillReason(StrEnum):
    """Why the hive sent SIGKILL; each is logged with the process it was sent to."""

    FORCED = "forced"
    """`?force=true`."""
    TERM_IGNORED = "term_ignored"
    """No drain was announced within `kill_grace_ms` of SIGTERM."""
    DRAIN_OVERRAN = "drain_overran"
    """The drain was announced and did not end within `drain_ms + kill_grace_ms`."""
    START_UP_TIMEOUT = "start_up_timeout"
    OUT_OF_MEMORY = "out_of_memory"
    """It used more than its limit, and no control group enforces that for the hive."""
    ADOPTION_UNPROVEN = "adoption_unproven"
    """It is this hive's process by PID, start time and command line, and never answered as the worker of its row."""


RESTING: Final = frozenset({WorkerState.STOPPED, WorkerState.FAILED})
"""States without a process, which only an operator ends: stop removes the row, restart tries again."""

_ORDER: Final = (WorkerState.STARTING, WorkerState.LOADING, WorkerState.READY, WorkerState.DRAINING)


def advances(before: WorkerState, after: WorkerState) -> bool:
    """Return whether one process can go from `before` to `after`.

    Within one process the states only rise, so a lease that the network delivered late (loading after ready,
    ready after draining) changes nothing.
    """
    return before in _ORDER and after in _ORDER and _ORDER.index(after) > _ORDER.index(before)
