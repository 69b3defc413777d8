"""A worker that waits for its model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from daemons.common.errors import ApiError, ErrorCode
from daemons.common.wire import WorkerState
from daemons.hive.noticeboard import Noticeboard
from daemons.hive.workers.restart import Rest
from daemons.hive.workers.states import Reason
from daemons.hive.workers.surroundings import ModelSource

_REASONS: Final = {
    ErrorCode.MODEL_NOT_FOUND: Reason.MODEL_NOT_FOUND,
    ErrorCode.STORAGE_FULL: Reason.STORAGE_FULL,
    ErrorCode.HUB_UNAVAILABLE: Reason.HUB_UNAVAILABLE,
}


async def pull_model(ref: str, models: ModelSource, board: Noticeboard, given_up: Callable[[], bool]) -> Path | Rest:
    """The file of a model, pulled when it is not here; a Rest when that failed, or when it was given up meanwhile.

    The pull itself goes on for others who wait for it.
    """
    pull = asyncio.ensure_future(models.obtain(ref))
    pull.add_done_callback(lambda _: board.changed())
    try:
        await board.until(lambda: pull.done() or given_up())
        if given_up():
            return Rest(WorkerState.STOPPED, Reason.STOP_ASKED)
        return pull.result()
    except ApiError as error:
        return Rest(WorkerState.FAILED, _REASONS.get(error.code, Reason.DOWNLOAD_FAILED), error.message)
    finally:
        pull.cancel()
