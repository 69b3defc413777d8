"""The downloads of a hive: one per model however many requests, each with a progress that can be watched."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from prometheus_client import Counter

from daemons.common.durations import Durations
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.hive.changes import Changes
from daemons.hive.machine import resources
from daemons.hive.models.catalog import Catalog
from daemons.hive.models.download import Progress, download
from daemons.hive.models.hub import Hub, HubModel, PassingFaultError
from daemons.hive.wire import PullFault, PullProgress, PullState

KEPT: Final = 256
"""How many finished pulls are kept, so that clients can still read their outcome."""
OUTCOMES: Final = ("done", "failed", "cancelled")


class Pull:
    """One download, running or over."""

    def __init__(self, model: HubModel) -> None:
        self.model = model
        self.changes = Changes()
        self.progress = Progress(self.changes.notify)
        self.error: ApiError | None = None
        self.task: asyncio.Task[Path] | None = None
        self.over = False
        """Whether it has ended; `error` is None when it succeeded."""

    def snapshot(self) -> PullProgress:
        """Return its progress."""
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
    """Pulls models from the hub into the catalog. Without a hub there are only the models of the catalog."""

    def __init__(self, catalog: Catalog, hub: Hub | None, durations: Durations, outcomes: Counter) -> None:
        self._catalog = catalog
        self._hub = hub
        self._durations = durations
        self._outcomes = outcomes
        self._pulls: dict[str, Pull] = {}
        for outcome in OUTCOMES:
            outcomes.labels(outcome)

    def path_of(self, ref: str) -> Path | None:
        """Return the file of a model that is here, or None."""
        return self._catalog.path_of(ref)

    def find(self, ref: str) -> Pull | None:
        """Return the pull of a model: the running one, else the last; None when there was none."""
        return self._pulls.get(ref)

    @property
    def running(self) -> int:
        """How many downloads are running."""
        return sum(not pull.over for pull in self._pulls.values())

    async def ensure(self, ref: str) -> Pull | None:
        """Return the pull of a model, started unless it runs already; None when the model is here.

        Raises:
            ApiError: 404 when neither catalog nor hub has it; 507 when the disk is full; 502 when the hub fails.
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
        """Return the file of a model, pulled when it is missing. Cancelling the wait does not cancel the pull.

        Raises:
            ApiError: as `ensure`, or why the download failed.
        """
        pull = await self.ensure(ref)
        if pull is None or pull.task is None:
            return self._catalog.file_of(ref)
        return await asyncio.shield(pull.task)

    async def cancel(self, ref: str) -> None:
        """Cancel the pull of a model, if one runs; its part stays for the next."""
        pull = self.find(ref)
        if pull is not None and pull.task is not None and not pull.over:
            pull.task.cancel()
            await pull.changes.until(lambda: pull.over)

    async def cancel_all(self) -> None:
        """Cancel every pull: the hive stops."""
        await asyncio.gather(*(self.cancel(ref) for ref in list(self._pulls)))

    def forget(self, ref: str) -> None:
        """Forget the outcome of a pull: the model was removed."""
        self._pulls.pop(ref, None)

    def _begin(self, hub: Hub, model: HubModel) -> Pull:
        # Checked again: another request may have started this pull while the hub was asked.
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
        pull.changes.notify()

    def _drop_oldest(self) -> None:
        for ref in [ref for ref, pull in self._pulls.items() if pull.over][: max(0, len(self._pulls) - KEPT)]:
            del self._pulls[ref]
