"""The base class of the three daemons: an identity, a life cycle, an app, and the hooks that the run loop calls."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Literal

from fastapi import FastAPI
from starlette.types import ASGIApp

from daemons.common.config import ConfigError, ConfigSource, DaemonConfig, changed_keys, with_values
from daemons.common.durations import Durations
from daemons.common.exits import ExitStatus, FatalError
from daemons.common.inflight import EndReason, InFlight
from daemons.common.logs import log, set_level
from daemons.common.metrics import Metrics
from daemons.common.process import start_ticks
from daemons.common.version import VERSION

ShutdownScope = Literal["self", "cluster"]


class Life(StrEnum):
    """The states of a daemon's life cycle."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a daemon; `instance` is new for every process, (pid, start_ticks) names the process itself."""

    role: str
    name: str
    instance: str
    pid: int
    start_ticks: int
    version: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where a daemon listens, with the port that the kernel chose."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Why a daemon stops, and how."""

    reason: str
    scope: ShutdownScope = "self"
    status: ExitStatus = ExitStatus.STOPPED
    drain: bool = True
    message: str | None = None
    """The line for the operator, when it does not stop because it was asked to."""


class Daemon:
    """A role implements this; `daemons.common.serve` runs it.

    A subclass sets `role`, calls `super().__init__`, and then assigns `self.app`: what `daemons.common.api.finish`
    returns, which also sets `self.api`.
    """

    role: ClassVar[str]
    app: ASGIApp
    """The app that is served, with its layers."""
    api: FastAPI
    """The FastAPI app inside it, for its OpenAPI."""

    def __init__(
        self,
        *,
        name: str,
        config: DaemonConfig,
        source: ConfigSource[Any] | None = None,
        instance: str | None = None,
    ) -> None:
        pid = os.getpid()
        self.identity = Identity(
            role=self.role,
            name=name,
            instance=instance or str(uuid.uuid4()),
            pid=pid,
            start_ticks=start_ticks(pid) or 0,
            version=VERSION,
        )
        self.config = config
        self.life = Life.STARTING
        self.bound: Address | None = None
        self.inflight = InFlight()
        self.metrics = Metrics(self.role)
        self.shutdown: Shutdown | None = None
        self.closing = asyncio.Event()
        """Set when open-ended answers (event streams) must end because the server is about to stop."""
        self._source = source
        self._shutdown_asked = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()

    @property
    def durations(self) -> Durations:
        """The configured durations."""
        return self.config.durations

    @property
    def draining(self) -> bool:
        """Whether new work is refused."""
        return self.life in (Life.DRAINING, Life.STOPPED)

    # Hooks, in the order in which the run loop calls them.

    async def on_start(self, bound: Address) -> None:
        """Start the role: the listener is bound and serves. Raise FatalError to give up."""

    async def announce_draining(self) -> None:
        """Tell the tier above that a drain begins. It must be bounded: the drain waits for it."""

    async def on_stop(self) -> None:
        """Release what the role holds: no request runs any more, background tasks still do."""

    async def apply_config(self, config: DaemonConfig, changed: Sequence[str]) -> set[str]:  # noqa: ARG002
        """Apply what can be applied while running; return those of the `changed` keys that now hold."""
        return set()

    # What the gate, /health and /ready say about the role.

    def health_details(self) -> Mapping[str, Any]:
        """Return the fields of the role in /health, beside the common ones."""
        return {}

    def degraded(self) -> Sequence[str]:
        """Return why the daemon is degraded; empty when it is not."""
        return ()

    def not_open(self) -> str | None:
        """Return why the role's routes cannot answer yet, or None when they can; the gate answers 503 with it."""
        return f"this {self.role} is starting" if self.life is Life.STARTING else None

    # What the role may call.

    def background(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run a task until the daemon ends. One that fails ends the daemon, which could not do its work without it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background_done)
        return task

    def request_shutdown(
        self,
        reason: str,
        *,
        scope: ShutdownScope = "self",
        status: ExitStatus = ExitStatus.STOPPED,
        message: str | None = None,
    ) -> None:
        """Request a stop with a drain; only the first request counts. Returns at once."""
        self._ask(Shutdown(reason, scope, status, message=message))

    def cancel(self, request_id: str) -> None:
        """End a running request, if there is one; a relay passes that on by closing its connection."""
        found = self.inflight.end(request_id, EndReason.CANCELLED)
        log.info("cancel", cancelled_request_id=request_id, found=found)

    def fail(self, error: FatalError) -> None:
        """Stop without a drain, with the error's exit status and line."""
        self._ask(Shutdown("failed", status=error.status, drain=False, message=error.message))

    async def wait_for_shutdown(self) -> Shutdown:
        """Wait until a stop is requested."""
        await self._shutdown_asked.wait()
        assert self.shutdown is not None
        return self.shutdown

    async def reload(self) -> None:
        """Read the configuration again and apply what can be applied. An invalid one changes nothing."""
        if self._source is None:
            log.info("reload_ignored", why="this daemon was started without a configuration source")
            return
        try:
            new = self._source.load()
        except ConfigError as error:
            log.error("reload_refused", problems=error.problems)
            return
        changed = changed_keys(self.config, new)
        try:
            applied = await self.apply_config(new, changed)
        except Exception as error:  # noqa: BLE001 a SIGHUP never ends a daemon, whatever fails
            log.error("reload_failed", exc_info=error)
            return
        if "log.level" in changed:
            set_level(new.log.level)
            applied.add("log.level")
        self.config = with_values(self.config, new, applied)
        log.info("reloaded", applied=sorted(applied), needs_restart=[key for key in changed if key not in applied])

    async def cancel_background(self) -> None:
        """End the background tasks, just before the process ends."""
        tasks = list(self._background)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, shutdown: Shutdown) -> None:
        if self.shutdown is None:
            self.shutdown = shutdown
            self._shutdown_asked.set()

    def _background_done(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, FatalError):
            self.fail(error)
        elif error is not None:
            log.error("background_task_failed", exc_info=error, task=task.get_name())
            self.fail(FatalError(ExitStatus.INTERNAL, f"internal error in {task.get_name()}: {error!r}"))
