"""Seeds that the scenarios of features/integration/worker_churn.feature must notice."""

import asyncio
import json
import math
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import wraps
from types import SimpleNamespace

from bugs.seed import caught_by, seed
from daemons.common.process import is_same_process, start_ticks
from daemons.common.wire import WorkerState

CONCURRENCY = "features/integration/concurrency.feature"
NETWORK_PARTITION = "features/integration/network_partition.feature"
RECOVERY = "features/integration/recovery.feature"
WORKER_CHURN = "features/integration/worker_churn.feature"


@seed(role="queen", patches="daemons.queen.spawning:Spawning._order")
@caught_by(WORKER_CHURN, "The id of a living worker cannot be taken")
def duplicate_overwrites(original):
    """A spawn under an id in use is placed on another hive: 202, and two workers have one id.

    Real: the predecessor. The hive that has the id refuses it, so that it takes a second hive to see it.
    """

    @contextmanager
    def _order(self, worker_id, hive_id):
        if worker_id is None or worker_id in self._reserved:
            with original(self, worker_id, hive_id):
                yield
            return
        self._reserved.add(worker_id)
        try:
            with original(self, None, hive_id):
                yield
        finally:
            self._reserved.discard(worker_id)

    return _order


@seed(role="worker", patches="daemons.common.serve:run")
@caught_by(WORKER_CHURN, "Stopped workers leave nothing behind")
@caught_by(WORKER_CHURN, "A worker can be stopped while it loads")
def ends_with_143(original):
    """A worker that was asked to end drains, and leaves with 143 as if it had been killed. Real: uvicorn."""

    def run(daemon):
        original(daemon)
        return 143

    return run


@seed(role="hive", patches="daemons.hive.workers.pool:uuid")
@caught_by(WORKER_CHURN, "Workers spawned at once all run under their hive")
def ids_of_the_second(original):
    """A worker's id is made of the second of its spawn: two in one instant want one id. Real: like the predecessor."""
    return SimpleNamespace(uuid4=lambda: SimpleNamespace(hex=f"{int(time.time()):012x}"))


@seed(role="hive", patches="daemons.hive.workers.supervisor:Supervisor._pause")
@caught_by(WORKER_CHURN, "A worker that crashes is replaced under its own id")
@caught_by(
    NETWORK_PARTITION,
    "Workers that are cut off from their hive past the orphan grace end themselves, and come back when it heals",
)
def keeps_instance(original):
    """A restarted worker keeps the instance of the one before it: a late message about the old one affects the new."""

    async def _pause(self, step):
        before = self.facts.instance
        goes_on = bool(await original(self, step))
        self.facts.instance = before
        return goes_on

    return _pause


@seed(role="queen", patches="daemons.queen.registry:Registry._held_until")
@caught_by(WORKER_CHURN, "Stopped workers leave nothing behind")
@caught_by(WORKER_CHURN, "Spawns and stops interleaved fifty times")
@caught_by(RECOVERY, "A stopped hive leaves no worker")
def keeps_rows_of_the_gone(original):
    """A worker that a hive's picture leaves out stays listed at the queen. Real: production-stack #1091."""
    return staticmethod(lambda worker, departed: math.inf)


@seed(role="hive", patches="daemons.hive.workers.process_run:log_kill")
@caught_by(WORKER_CHURN, "A worker that ignores SIGTERM is killed after the grace")
def kill_logged_as_own(original):
    """The log line of a kill has the hive's own PID in `pid`: the logger's field of that name wins."""
    from daemons.common.logs import log

    def log_kill(worker_id, process, why, last_lines=()):
        what = {"start_ticks": process.start_ticks, "last_lines": list(last_lines)}
        log.warning("worker_killed", worker_id=worker_id, reason=why, signal="SIGKILL", **what)

    return log_kill


@seed(role="hive", patches="daemons.hive.workers.facts:WorkerFacts.row")
@caught_by(WORKER_CHURN, "Workers spawned at once all run under their hive")
@caught_by(CONCURRENCY, "Workers registered at once are all there, distinct, and found by id")
def port_of_the_last_lease(original):
    """Every row shows the port of the worker that leased last. Real: like the predecessor. Relaying is right."""
    port = []

    def row(self, *, now_ms, lease_ms):
        drawn = original(self, now_ms=now_ms, lease_ms=lease_ms)
        if drawn.port is not None:
            port[:] = port or [drawn.port]
            return drawn.model_copy(update={"port": port[0]})
        return drawn

    return row


@seed(role="queen", patches="daemons.queen.spawning:Spawning.spawn")
@caught_by(WORKER_CHURN, "The id of a living worker cannot be taken")
def refusal_restarts(original):
    """A spawn under a taken id is refused with 409, and yet the living worker of that id is restarted by it."""

    async def spawn(self, order):
        if order.id is not None and self._state.registry.worker(order.id) is not None:
            await self.restart(order.id)
        return await original(self, order)

    return spawn


@seed(role="hive", patches="daemons.hive.workers.stopping:kill_worker")
@caught_by(WORKER_CHURN, "A hung worker is killed after the grace")
def removed_and_not_killed(original):
    """A worker that will not end is given up after the grace: its row goes, the kill is logged, and no signal is sent.

    Real: the predecessor. One that still runs ends itself at the 410 to its next lease; one that hangs stays for ever.
    """

    async def kill_worker(process, changes, why, *, on_kill):
        if not process.ended:
            on_kill(why)

    return kill_worker


@seed(role="hive", patches="daemons.hive.workers.pool:WorkerPool.reserve")
@caught_by(WORKER_CHURN, "New workers never get the id of a living one")
def reuses_draining_id(original):
    """A worker that drains counts as gone: its id is given to the next spawn while its process is still there."""

    def reserve(self, worker_id):
        draining = [each.id for each in self if each.facts.state is WorkerState.DRAINING]
        free = [each for each in draining if each not in self._reserved]
        if worker_id is None and free:
            self._reserved.add(free[0])
            return free[0]
        return str(original(self, worker_id))

    return reserve


@seed(role="queen", patches="daemons.queen.cluster:Cluster._worker_blocked")
@caught_by(WORKER_CHURN, "A worker that drains gets no more requests")
def routes_to_draining(original):
    """A worker that drains is still routed to, and answers 503 meanwhile. Real: production-stack #601."""
    from daemons.queen.routing import Blocked

    def _worker_blocked(self, worker):
        blocked = original(self, worker)
        return None if blocked is Blocked.WORKER_DRAINING else blocked

    return _worker_blocked


@seed(role="hive", patches="daemons.hive.workers.stopping:_overstayed")
@caught_by(WORKER_CHURN, "A worker that ignores SIGTERM is killed after the grace")
@caught_by(WORKER_CHURN, "Five workers that ignore SIGTERM take one grace, not five")
def short_grace(original):
    """SIGKILL comes after a tenth of the kill grace: seconds were taken for tenths."""

    async def _overstayed(process, changes, durations, drain_announced, forced):
        short = durations.model_copy(update={"kill_grace_ms": durations.kill_grace_ms // 10})
        return await original(process, changes, short, drain_announced, forced)

    return _overstayed


@seed(role="hive", patches="daemons.hive.workers.supervisor:Supervisor.ask_stop")
@caught_by(WORKER_CHURN, "A worker can be stopped while it loads")
def stop_waits_for_load(original):
    """A stop that comes while a worker loads is carried out only when it has loaded."""
    waiting = set()

    def ask_stop(self, reason, *, force):
        async def when_loaded():
            await self.changes.until(lambda: self.facts.state is not WorkerState.LOADING)
            original(self, reason, force=force)

        if self.facts.state is WorkerState.LOADING:
            waiting.add(asyncio.create_task(when_loaded()))
        else:
            original(self, reason, force=force)

    return ask_stop


@seed(role="hive", patches="daemons.hive.workers.process_run:end_worker")
@caught_by(WORKER_CHURN, "Five workers that ignore SIGTERM take one grace, not five")
def stops_queue_up(original):
    """Workers are stopped one after the other, each with the whole grace. Real: the predecessor."""
    turn = asyncio.Lock()

    @wraps(original)
    async def end_worker(*arguments, **named):
        async with turn:
            await original(*arguments, **named)

    return end_worker


@seed(role="queen", patches="daemons.queen.spawning:ErrorCode", fast=True)
@caught_by(WORKER_CHURN, "The id of a living worker cannot be taken")
@caught_by(CONCURRENCY, "Three want one id, and one gets it")
def taken_id_is_400(original):
    """A spawn under a taken id is answered as a mistake in the request, 400, and not as a conflict."""
    from daemons.common.errors import ErrorCode

    return SimpleNamespace(**ErrorCode.__members__ | {"WORKER_EXISTS": ErrorCode.VALIDATION_FAILED})


@seed(role="hive", patches="daemons.hive.workers.process:WorkerProcess.start")
@caught_by(WORKER_CHURN, "Workers spawned at once all run under their hive")
@caught_by(WORKER_CHURN, "Stopped workers leave nothing behind")
@caught_by(WORKER_CHURN, "A worker that crashes is replaced under its own id")
def worker_is_no_child(original):
    """Workers are started by a helper that ends at once (`cmd &`): they cannot be reaped. Real: the predecessor."""
    helper = (
        "import json, subprocess, sys; argv, log = json.load(sys.stdin); "
        "out = open(log, 'ab'); "
        "print(subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True).pid)"
    )

    def start(cls, argv, log_path):
        order = json.dumps([list(argv), str(log_path)])
        argv = [sys.executable, "-c", helper]
        said = subprocess.run(argv, input=order, capture_output=True, text=True, check=True).stdout
        return cls(int(said), start_ticks(int(said)), None)

    return classmethod(start)


@seed(role="hive", patches="daemons.hive.workers.process:WorkerProcess._over")
@caught_by(WORKER_CHURN, "A worker that crashes is replaced under its own id")
@caught_by(WORKER_CHURN, "Stopped workers leave nothing behind")
def zombie_counts_as_gone(original):
    """A worker's end is seen, but it is never reaped: its status stays unknown. Real: like the predecessor."""
    return lambda self: not is_same_process(self.pid, self.start_ticks)
