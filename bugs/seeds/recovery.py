"""Seeds that the scenarios of features/integration/recovery.feature must notice."""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

from bugs.seed import caught_by, seed
from daemons.common.wire import HiveState, WorkerState

CONCURRENCY = "features/integration/concurrency.feature"
RECOVERY = "features/integration/recovery.feature"


@seed(role="hive", patches="daemons.hive.workers.adoption:Adoption.judge")
@caught_by(RECOVERY, "A worker whose PID now belongs to a stranger is not adopted, and the stranger is left alone")
def adopts_by_pid(original):
    """A new hive adopts whatever has the PID of a row. Real: habitat #4578."""
    from daemons.common.process import start_ticks
    from daemons.hive.workers.adoption import Decision
    from daemons.hive.workers.process import WorkerProcess

    def judge(self, *, waited=False):
        pid = self._stored.pid
        ticks = None if pid is None else start_ticks(pid)
        if pid is None or ticks is None:
            return original(self, waited=waited)
        self.process = self.process or WorkerProcess.adopt(pid, ticks)
        return Decision.ADOPT

    return judge


@seed(role="hive", patches="daemons.hive.workers.adoption:Adoption.judge")
@caught_by(RECOVERY, "A killed hive's workers live on, and its successor adopts exactly them")
def adopts_nobody(original):
    """A new hive kills the workers that an earlier one left, and starts them anew: only who they are shows it."""
    from daemons.hive.workers.adoption import Decision

    def judge(self, *, waited=False):
        verdict = original(self, waited=waited)
        return Decision.KILL if verdict is Decision.ADOPT else verdict

    return judge


@seed(role="worker", patches="daemons.common.lease_pusher:LeasePusher.push")
@caught_by(RECOVERY, "A busy worker is never taken for a hung one")
def busy_is_hung(original):
    """A worker that generates neither answers probes nor leases: both wait for one lock. Real: the predecessor."""

    async def push(self):
        if not self._build().slots_busy:
            await original(self)

    return push


@seed(role="queen", patches="daemons.queen.registry:hive_state")
@caught_by(RECOVERY, "A restarted queen does not take a hive that it has not heard yet for dead")
def declares_dead_at_start(original):
    """A restarted queen lists every hive without a new lease as unavailable, from its first moment on.

    For one lease time a queen that has started should declare no hive dead. Real hives lease within milliseconds.
    """
    from daemons.queen.leases import StateReason

    def hive_state(rules, *, heard, silent_s, strikes):
        if not heard:
            return HiveState.UNAVAILABLE, StateReason.NEVER_HEARD
        return original(rules, heard=heard, silent_s=silent_s, strikes=strikes)

    return hive_state


@seed(role="hive", patches="daemons.hive.uplink:Uplink._missed")
@caught_by(RECOVERY, "A queen that was killed and started again finds everybody")
def fences_itself(original):
    """A hive that loses its queen stops its workers, so that no two clusters ever have them."""
    from daemons.hive.states import Reason

    def _missed(self, fault, *, gone):
        if self.fault is None:
            for supervisor in self._build.__self__.pool:
                supervisor.ask_stop(Reason.STOP_ASKED, force=False)
        original(self, fault, gone=gone)

    return _missed


@seed(role="hive", patches="daemons.common.metrics:_ReadGauge.collect")
@caught_by(RECOVERY, "The gauges tell what is there, however often they are looked at")
def gauge_grows(original):
    """A gauge adds what it reads to what it showed: it grows at every further scrape. Real: the predecessor."""
    from daemons.common.metrics import _ReadGauge

    shown = {}

    def collect(self):
        value = self._read()
        if isinstance(value, Mapping):
            total = shown.setdefault(self._name, Counter())
            for key, number in value.items():
                total[key] += int(number)
            self = _ReadGauge(self._name, self._documentation, lambda: total, self._label)
        yield from original(self)

    return collect


@seed(role="worker", patches="daemons.common.lease_pusher:LeasePusher.push")
@caught_by(RECOVERY, "A busy worker is never taken for a hung one")
def heartbeats_go_astray(original):
    """A ready worker's heartbeats go to a wrong path, and it ignores the answers. Real: the predecessor."""
    from daemons.common.client import PeerError

    ready = set()

    async def push(self):
        lease = self._build()
        if lease.instance not in ready:
            await original(self)
            if lease.state is WorkerState.READY:
                ready.add(lease.instance)
            return
        try:
            await self._client.call("PUT", f"{self._url}/heartbeat", json_body=lease.model_dump(mode="json"))
        except PeerError as error:
            self._missed(str(error), gone=False)
        else:
            self.clock.renewed_at = time.monotonic()

    return push


@seed(role="hive", patches="daemons.common.lease_pusher:LeasePusher.push")
@caught_by(RECOVERY, "A queen that was stopped and started again finds everybody")
@caught_by(RECOVERY, "A queen that was killed and started again finds everybody")
def hive_gives_up_on_queen(original):
    """A hive that has lost its queen once never leases again: it believes itself registered.

    Real: the predecessor. The new queen knows it from its database, so that all looks well for one lease time.
    """

    async def push(self):
        if self.fault is None:
            await original(self)

    return push


@seed(role="hive", patches="daemons.hive.workers.facts:ProcessFacts.idle_left_ms")
@caught_by(RECOVERY, "An idle worker is stopped after its idle time, and not while it serves")
def idle_at_once(original):
    """A worker is stopped for idleness after half of its idle time."""
    return lambda self, idle_stop_ms, *, now_ms: float(original(self, idle_stop_ms // 2, now_ms=now_ms))


@seed(role="hive", patches="daemons.hive.workers.adoption:Adoption.judge")
@caught_by(RECOVERY, "A worker whose PID now belongs to a stranger is not adopted, and the stranger is left alone")
def kills_by_pid(original):
    """A new hive kills what it cannot prove to be its worker by the row's PID alone. Real: habitat #4578."""
    from daemons.hive.workers.adoption import Decision

    def judge(self, *, waited=False):
        verdict = original(self, waited=waited)
        if verdict is Decision.CRASHED and self._stored.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._stored.pid, signal.SIGTERM)
        return verdict

    return judge


@seed(role="hive", patches="daemons.hive.workers.process:wait_gone")
@caught_by(RECOVERY, "A worker's crash is known within a second, and the other worker serves at once")
def learns_by_polling(original):
    """A hive checks every two seconds whether its workers are alive, in place of being notified by the kernel."""

    async def wait_gone(pid, ticks):
        await original(pid, ticks)
        await asyncio.sleep(2)

    return wait_gone


@seed(role="hive", patches="daemons.hive.workers.facts:WorkerFacts.take_lease")
@caught_by(RECOVERY, "An idle worker is stopped after its idle time, and not while it serves")
def lease_is_work(original):
    """Each lease of a worker counts as a sign of work: an idle worker is never stopped. Real: the predecessor."""

    def take_lease(self, lease, *, now_ms, lease_ms, stop_asked):
        news = bool(original(self, lease, now_ms=now_ms, lease_ms=lease_ms, stop_asked=stop_asked))
        if self.process is not None:
            self.process.active_at_ms = now_ms
        return news

    return take_lease


@seed(role="hive", patches="daemons.hive.workers.process:subprocess", caught_as="start_up")
@caught_by(RECOVERY, "A killed hive's workers live on, and its successor adopts exactly them")
def listener_inherited(original):
    """A worker inherits its hive's listening socket: a killed hive's port stays taken. Real: llama-swap #138."""

    def _listeners():
        for entry in Path("/proc/self/fd").iterdir():
            if not entry.is_symlink() or not str(entry.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as copy:
                if copy.family == socket.AF_INET and copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    yield int(entry.name)

    def with_listeners(*arguments, **named):
        return original.Popen(*arguments, pass_fds=list(_listeners()), **named)

    return SimpleNamespace(Popen=with_listeners, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT)


@seed(role="queen", patches="daemons.common.errors:ApiError.headers")
@caught_by(RECOVERY, "The answer that a crash costs says when to come again")
@caught_by(CONCURRENCY, "Beyond the queue's bound the answer says when to come again")
def no_retry_after(original):
    """Errors say what is wrong, but not when to come again: no answer carries Retry-After."""
    return lambda self: {}


@seed(role="queen", patches="daemons.queen.cluster:Cluster._hive_blocked")
@caught_by(RECOVERY, "A worker's crash is known within a second, and the other worker serves at once")
@caught_by(RECOVERY, "A hung worker is not routed to until it answers again")
def one_fault_blocks_hive(original):
    """One worker that crashed, or hangs, takes its whole hive out of routing."""
    from daemons.queen.routing import Blocked

    def _hive_blocked(self, hive):
        blocked = original(self, hive)
        if blocked is None and any(self._worker_blocked(each) for each in self.registry.workers_of(hive.hive_id)):
            return Blocked.HIVE_MARKED_DOWN
        return blocked

    return _hive_blocked


@seed(role="hive", patches="daemons.hive.workers.prober:Strikes.note")
@caught_by(RECOVERY, "A hung worker is not routed to until it answers again")
def one_strike_is_out(original):
    """One failed probe makes a worker unhealthy: the strikes are not counted."""
    return lambda self, *, answered: answered


@seed(role="worker", patches="daemons.worker.lease:LeaseClock.is_orphan")
@caught_by(RECOVERY, "Workers whose hive does not come back end themselves after the grace")
def orphan_for_ever(original):
    """A worker without a hive waits for it for ever. Real: like llama-swap #138."""
    return lambda self, failures, now: False


@seed(role="worker", patches="daemons.worker.lease:LeaseClock.is_orphan")
@caught_by(RECOVERY, "Workers whose hive does not come back end themselves after the grace")
def orphan_without_grace(original):
    """A worker ends itself when two pushes to its hive have failed, whatever the grace is."""
    return lambda self, failures, now: failures >= 2


@seed(role="hive", patches="daemons.hive.workers.prober:Strikes.note")
@caught_by(RECOVERY, "A hung worker is not routed to until it answers again")
def probes_the_process(original):
    """A probe asks whether the process is there, not whether it answers: a hung worker is well."""
    return lambda self, *, answered: True


@seed(role="hive", patches="daemons.hive.workers.restart:RestartTracker.decide")
@caught_by(RECOVERY, "The answer that a crash costs says when to come again")
def restarts_for_ever(original):
    """The restart policy is not looked at: every worker that crashes is started again. Real: gpustack #4218."""
    from daemons.common.wire import RestartPolicy

    def decide(self, when, ending, *, now_ms, jitter):
        return original(self, RestartPolicy.ALWAYS, ending, now_ms=now_ms, jitter=jitter)

    return decide


@seed(role="queen", patches="daemons.queen.registry:Registry._row")
@caught_by(RECOVERY, "A queen that was stopped and started again finds everybody")
def restored_never_leased(original):
    """Workers that a restarted queen knows from its database stay unconfirmed, whatever their hives lease.

    Real: like the predecessor, where no hive registered again. Every list is right; nothing is served.
    """

    def _row(self, hive, row, departed):
        known = self._workers.get(row.id)
        restored = known is not None and not known.leased and known.provisional_until == 0.0
        changes = original(self, hive, row, departed)
        self._workers[row.id].leased = not restored
        return changes

    return _row


@seed(role="hive", patches="daemons.hive.workers.pool:WorkerPool.stop_all", fast=True)
@caught_by(RECOVERY, "A stopped hive leaves no worker")
def stops_without_workers(original):
    """A hive that is stopped leaves its workers; they end after the orphan grace. Real: the predecessor."""

    async def stop_all(self):
        self._closed = True

    return stop_all


@seed(role="queen", patches="daemons.common.http_server:_Protocol")
@caught_by(RECOVERY, "A stream through a killed queen ends, and the next one works")
def stream_without_frame(original):
    """The queen's streams end where the connection ends: no chunked coding, so that a cut looks like an end.

    Real: a proxy with `chunked_transfer_encoding off`. Whole streams stay whole; a killed queen's client sees no error.
    """

    class Protocol(original):
        def on_headers_complete(self):
            super().on_headers_complete()
            cycle = self.cycle
            send = cycle.send

            async def without_frame(message):
                if any(b"event-stream" in value for _, value in message.get("headers", ())):
                    cycle.chunked_encoding, cycle.keep_alive = False, False
                    cycle.expected_content_length = sys.maxsize
                elif cycle.expected_content_length > 1 << 40 and not message.get("more_body", False):
                    cycle.expected_content_length = len(message.get("body", b""))
                await send(message)

            cycle.send = without_frame

    return Protocol


@seed(role="hive", patches="daemons.hive.workers.prober:Strikes.note")
@caught_by(RECOVERY, "A hung worker is not routed to until it answers again")
def struck_out_for_good(original):
    """Strikes are never cleared: a worker that hung once is not routed to until it is restarted."""
    return lambda self, *, answered: self._count < self._limit if answered else bool(original(self, answered=False))


@seed(role="queen", patches="daemons.queen.registry:hive_state")
@caught_by(RECOVERY, "A restarted queen does not take a hive that it has not heard yet for dead")
def unheard_never_dead(original):
    """A hive that has never leased to this queen is never called unavailable. Real: the predecessor."""
    from daemons.queen.leases import StateReason

    def hive_state(rules, *, heard, silent_s, strikes):
        if not heard:
            return HiveState.SUSPECT, StateReason.NOT_HEARD_YET
        return original(rules, heard=heard, silent_s=silent_s, strikes=strikes)

    return hive_state


@seed(role="hive", patches="daemons.hive.workers.process:subprocess")
@caught_by(RECOVERY, "A killed hive's workers live on, and its successor adopts exactly them")
@caught_by(RECOVERY, "Workers whose hive does not come back end themselves after the grace")
def workers_die_with_hive(original):
    """Workers get SIGTERM from the kernel when their hive dies (PR_SET_PDEATHSIG), and end in order."""
    c, pr_set_pdeathsig = ctypes.CDLL(None), 1

    def with_signal(*arguments, **named):
        def ask():
            c.prctl(pr_set_pdeathsig, signal.SIGTERM)

        return original.Popen(*arguments, preexec_fn=ask, **named)

    return SimpleNamespace(Popen=with_signal, DEVNULL=subprocess.DEVNULL, STDOUT=subprocess.STDOUT)


@seed(role="hive", patches="daemons.hive.workers.process:wait_gone")
@caught_by(RECOVERY, "A worker's crash is known within a second, and the other worker serves at once")
def zombie_is_alive(original):
    """A hive asks by `kill(pid, 0)` whether a worker is alive: a zombie still is. Real: the predecessor."""

    async def wait_gone(pid, ticks):
        while True:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.02)

    return wait_gone
