"""Seeds that the scenarios of features/processes must notice."""

import math
import socket
import tomllib

from bugs.seed import caught_by, seed
from daemons.common.config import ConfigError
from daemons.common.exits import ExitStatus, FatalError

RUNNING = "features/processes/running.feature"
START_UP = "features/processes/start_up.feature"


@seed(role="hive", patches="daemons.hive.models.pulls:Pulls.ensure", fast=True)
@caught_by(START_UP, "A model that nobody has")
def accepts_unknown_model(original):
    """A spawn is accepted without a check that the model exists: 202, and a row that fails later."""
    from daemons.common.errors import ApiError

    async def ensure(self, ref):
        try:
            return await original(self, ref)
        except ApiError:
            return None

    return ensure


@seed(role="hive", patches="daemons.common.daemon:Daemon.reload")
@caught_by(RUNNING, "SIGHUP with a bad file changes nothing")
def bad_reload_applies_half(original):
    """SIGHUP with a bad file is refused, and what is right in it is applied all the same. Real: lavinmq #2080."""

    async def reload(self):
        await original(self)
        try:
            self._source.load()
        except ConfigError:
            table = tomllib.loads(self._source.path.read_text(encoding="utf-8"))["worker"]
            worker = self._hive_config.worker.model_copy(update={"slots": table["slots"]})
            await self.apply_config(self._hive_config.model_copy(update={"worker": worker}), ["worker.slots"])

    return reload


@seed(role="hive", patches="daemons.common.daemon:Daemon.reload")
@caught_by(RUNNING, "SIGHUP with a bad file changes nothing")
def bad_reload_ends_hive(original):
    """SIGHUP with a bad file is taken as a start with one: the hive ends. Real: lavinmq #2080."""

    async def reload(self):
        await original(self)
        try:
            self._source.load()
        except ConfigError as error:
            self.fail(FatalError(ExitStatus.CONFIGURATION, str(error)))

    return reload


@seed(role="hive", patches="daemons.common.config:ConfigSource.load")
@caught_by(RUNNING, "SIGHUP with a bad file changes nothing")
def bad_reload_unnamed(original):
    """A file that is refused at SIGHUP is refused without a message about what is wrong in it."""

    def load(self):
        try:
            return original(self)
        except ConfigError:
            raise ConfigError(["the configuration is not valid"]) from None

    return load


@seed(role="worker", patches="daemons.common.serve:_drain")
@caught_by(RUNNING, "A drain ends in time, whatever still runs")
def drain_that_ended_somebody_is_a_failure(original):
    """A worker whose drain had to end a request exits with 1: a hive that restarts on failure would start it again."""
    from daemons.common.inflight import EndReason

    async def _drain(daemon, until, flush_timeout_s):
        running = list(daemon.inflight._running.values())
        await original(daemon, until, flush_timeout_s)
        if any(each.reason is EndReason.DRAINING for each in running):
            stop = daemon.on_stop

            async def on_stop():
                await stop()
                raise FatalError(ExitStatus.INTERNAL, "a request was ended by the drain")

            daemon.on_stop = on_stop

    return _drain


@seed(role="worker", patches="daemons.common.serve:_drain")
@caught_by(RUNNING, "A drain ends in time, whatever still runs")
def drain_waits_for_ever(original):
    """A worker's drain waits for the last request, however long that takes. Real: ray #60754."""

    async def _drain(daemon, until, flush_timeout_s):
        await original(daemon, math.inf, flush_timeout_s)

    return _drain


@seed(role="queen", patches="daemons.queen.registry:Registry._held_until")
@caught_by(RUNNING, "A drain ends in time, whatever still runs")
def draining_rows_stay(original):
    """The row of a worker that drains is kept until a message says that it is stopped. Real: production-stack #1091."""
    from daemons.common.wire import WorkerState

    held = original.__func__

    def _held_until(worker, departed):
        return math.inf if worker.row.state is WorkerState.DRAINING else held(worker, departed)

    return staticmethod(_held_until)


@seed(role="hive", patches="daemons.hive.runtime:HiveRuntime.degraded")
@caught_by(START_UP, "A hive that cannot reach its queen goes on, and says so once")
def healthy_without_queen(original):
    """A hive whose queen is away calls itself well. Real: like the successor."""
    return lambda self: (reason for reason in original(self) if "queen" not in reason)


@seed(role="hive", patches="daemons.hive.uplink:Uplink._missed")
@caught_by(START_UP, "A hive that cannot reach its queen goes on, and says so once")
def logs_every_miss(original):
    """A hive whose queen is away writes a log line at every try, for as long as the outage lasts."""

    def _missed(self, fault, *, gone):
        self.fault = None
        original(self, fault, gone=gone)

    return _missed


@seed(role="queen", patches="daemons.common.logs:say")
@caught_by(START_UP, "A queen with a port that is taken")
def says_it_twice(original):
    """The last message of a daemon that cannot start is printed twice: once from the log, once from the entry."""

    def say(line):
        original(line)
        original(line)

    return say


@seed(role="queen", patches="daemons.common.serve:bind")
@caught_by(START_UP, "A queen with a port that is taken")
def start_error_with_traceback(original):
    """A port that is taken ends a daemon with a traceback and status 1."""
    return lambda host, port: socket.create_server((host, port), backlog=2048)
