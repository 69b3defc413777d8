"""The model file of a worker, pulled from the hub when it is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.wire import WorkerState
from daemons.hive.changes import Changes
from daemons.hive.states import Reason
from daemons.hive.workers.context import ModelSource
from daemons.hive.workers.restart import Rest

_REASONS: Final = {
    ErrorCode.MODEL_NOT_FOUND: Reason.MODEL_NOT_FOUND,
    ErrorCode.STORAGE_FULL: Reason.STORAGE_FULL,
    ErrorCode.HUB_UNAVAILABLE: Reason.HUB_UNAVAILABLE,
}


async def pull_model(ref: str, models: ModelSource, changes: Changes, given_up: Callable[[], bool]) -> Path | Rest:
    """Return the file of a model, or a Rest when the pull failed or `given_up()` turned true.

    The pull itself continues for others that wait for it.
    """
    pull = asyncio.ensure_future(models.obtain(ref))
    pull.add_done_callback(lambda _: changes.notify())
    try:
        await changes.until(lambda: pull.done() or given_up())
        if given_up():
            return Rest(WorkerState.STOPPED, Reason.STOP_ASKED)
        return pull.result()
    except ApiError as error:
        return Rest(WorkerState.FAILED, _REASONS.get(error.code, Reason.DOWNLOAD_FAILED), error.message)
    finally:
        pull.cancel()
