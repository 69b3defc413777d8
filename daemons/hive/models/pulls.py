"""The downloads of a hive: one for each model however many ask, each with a progress that can be watched."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from prometheus_client import Counter

from daemons.common.durations import Durations
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.hive.machine import resources
from daemons.hive.models.catalog import Catalog
from daemons.hive.models.download import Progress, download
from daemons.hive.models.hub import Hub, HubModel, PassingFaultError
from daemons.hive.noticeboard import Noticeboard
from daemons.hive.wire import PullFault, PullProgress, PullState

KEPT: Final = 256
"""How many finished pulls are remembered for those who ask how they went."""
OUTCOMES: Final = ("done", "failed", "cancelled")


class Pull:
    """One download, under way or over."""

    def __init__(self, model: HubModel) -> None:
        self.model = model
        self.board = Noticeboard()
        self.progress = Progress(self.board.changed)
        self.error: ApiError | None = None
        self.task: asyncio.Task[Path] | None = None
        self.over = False
        """Whether it has ended, well or not, and `error` says how."""

    def shown(self) -> PullProgress:
        """How far it has come."""
        progress = self.progress
        state: PullState = "queued" if progress.tries == 0 else "verifying" if progress.verifying else "downloading"
        if self.over:
            state = "failed" if self.error is not None else "done"
        return PullProgress(
            model=self.model.ref,
            state=state,
            received_bytes=progress.received_bytes,
            size_bytes=self.model.size_bytes,
            tries=progress.tries,
            error=None if self.error is None else PullFault(code=self.error.code, message=self.error.message),
        )


class Pulls:
    """Brings models from the hub into the catalog. Without a hub there is only what the catalog has."""

    def __init__(self, catalog: Catalog, hub: Hub | None, durations: Durations, outcomes: Counter) -> None:
        self._catalog = catalog
        self._hub = hub
        self._durations = durations
        self._outcomes = outcomes
        self._pulls: dict[str, Pull] = {}
        for outcome in OUTCOMES:
            outcomes.labels(outcome)

    def path_of(self, ref: str) -> Path | None:
        """The file of a model that is here, or None."""
        return self._catalog.path_of(ref)

    def find(self, ref: str) -> Pull | None:
        """The pull of a model: the one under way, else the last; None when there was none."""
        return self._pulls.get(ref)

    def under_way(self, ref: str) -> bool:
        """Whether the model is being downloaded now."""
        pull = self.find(ref)
        return pull is not None and not pull.over

    @property
    def running(self) -> int:
        """How many downloads are under way."""
        return sum(not pull.over for pull in self._pulls.values())

    async def ensure(self, ref: str) -> Pull | None:
        """Begin to pull a model unless it is here (None then) or its pull is under way already.

        Raises:
            ApiError: 404 when neither the catalog nor the hub has it; 507 when it cannot fit; 502 when the hub fails.
        """
        if ref in self._catalog:
            return None
        pull = self.find(ref)
        if pull is not None and not pull.over:
            return pull
        if self._hub is None:
            raise ApiError(ErrorCode.MODEL_NOT_FOUND, f"this hive has no model {ref}, and no model hub to ask")
        try:
            model = await self._hub.describe(ref)
        except PassingFaultError as fault:
            raise fault.error from fault
        return self._begin(self._hub, model)

    async def obtain(self, ref: str) -> Path:
        """The file of a model, pulled when it is not here. Whoever waits may give up: the pull goes on for the others.

        Raises:
            ApiError: as `ensure`, or why the download failed.
        """
        pull = await self.ensure(ref)
        if pull is None or pull.task is None:
            return self._catalog.file_of(ref)
        return await asyncio.shield(pull.task)

    async def cancel(self, ref: str) -> None:
        """End the pull of a model, if one is under way; its part stays for the next."""
        pull = self.find(ref)
        if pull is not None and pull.task is not None and not pull.over:
            pull.task.cancel()
            await pull.board.until(lambda: pull.over)

    async def cancel_all(self) -> None:
        """End every pull: the hive stops."""
        await asyncio.gather(*(self.cancel(ref) for ref in list(self._pulls)))

    def forget(self, ref: str) -> None:
        """The model was removed: how its pull went is no longer of interest."""
        self._pulls.pop(ref, None)

    def _begin(self, hub: Hub, model: HubModel) -> Pull:
        # Looked at again: while the hub was asked, another request may have begun this very pull.
        found = self.find(model.ref)
        if found is not None and not found.over:
            return found
        self._check_space(model)
        pull = self._pulls[model.ref] = Pull(model)
        pull.task = asyncio.create_task(self._pull(hub, pull), name=f"pull {model.ref}")
        pull.task.add_done_callback(lambda task: self._ended(pull, task))
        self._drop_oldest()
        return pull

    def _check_space(self, model: HubModel) -> None:
        available = resources(self._catalog.folder).disk_available_bytes
        needed = model.size_bytes - self._catalog.part_bytes(model.ref)
        if needed > available:
            raise ApiError(
                ErrorCode.STORAGE_FULL,
                f"{model.ref} does not fit on the disk of this hive; free some space",
                details={"needed_bytes": needed, "available_bytes": available},
            )

    async def _pull(self, hub: Hub, pull: Pull) -> Path:
        path = self._catalog.file_of(pull.model.ref)
        await download(hub, pull.model, path, self._durations, pull.progress)
        await self._catalog.add(pull.model)
        return path

    def _ended(self, pull: Pull, task: asyncio.Task[Path]) -> None:
        ref = pull.model.ref
        if task.cancelled():
            pull.error = ApiError(ErrorCode.CANCELLED, f"the download of {ref} was ended")
            self._outcomes.labels("cancelled").inc()
        elif (error := task.exception()) is None:
            self._outcomes.labels("done").inc()
            log.info("download_done", model=ref, tries=pull.progress.tries)
        else:
            if not isinstance(error, ApiError):
                log.exception("download_broke", error, model=ref)
            pull.error = (
                error if isinstance(error, ApiError) else ApiError(ErrorCode.INTERNAL, "the hive's log says more")
            )
            self._outcomes.labels("failed").inc()
            log.error("download_failed", model=ref, code=pull.error.code, error=pull.error.message)
        pull.over = True
        pull.board.changed()

    def _drop_oldest(self) -> None:
        for ref in [ref for ref, pull in self._pulls.items() if pull.over][: max(0, len(self._pulls) - KEPT)]:
            del self._pulls[ref]
