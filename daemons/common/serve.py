"""The run loop of every daemon: it owns the signals, the socket and the order of a stop; uvicorn serves inside it.

The stop, step by step: mark draining (the gate answers 503 while the socket still listens) → announce it upward → wait
for running inference → end the rest, each stream with an error chunk → the role's own stop → close the server →
exit status. A second SIGTERM or SIGINT ends the process at once; SIGHUP reloads and never kills.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import socket
import time
from collections.abc import Callable

from daemons.common.daemon import Address, Daemon, Life, Shutdown
from daemons.common.exits import ExitStatus, FatalError
from daemons.common.http_server import HttpServer
from daemons.common.inflight import EndReason
from daemons.common.logs import configure, log
from daemons.common.signals import SignalOwner

_BACKLOG = 2048


def run(daemon: Daemon) -> ExitStatus:
    """Run a daemon to its end and return its exit status.

    Raises:
        FatalError: it could not start, or could not go on.
    """
    identity = daemon.identity
    configure(role=identity.role, name=identity.name, instance=identity.instance, level=daemon.config.log.level)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(daemon))


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        FatalError: exit 3, with what to do.
    """
    where = f"cannot listen on {host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise FatalError(ExitStatus.CANNOT_LISTEN, f"{where}: unknown host. Check --listen.host.") from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart must not wait for TIME_WAIT
        listener.bind(address)
        listener.listen(_BACKLOG)  # with SO_REUSEADDR two sockets may bind the same address; only one may listen
    except OSError as error:
        listener.close()
        advice = {
            errno.EADDRINUSE: "address already in use. Stop the other process or choose another --listen.port.",
            errno.EADDRNOTAVAIL: "that address is not on this machine. Check --listen.host.",
            errno.EACCES: "not permitted. Choose a --listen.port of 1024 or more.",
        }.get(error.errno or 0, f"{error.strerror}. Check --listen.host and --listen.port.")
        raise FatalError(ExitStatus.CANNOT_LISTEN, f"{where}: {advice}") from None
    listener.setblocking(False)  # noqa: FBT003 the signature is socket's
    return listener


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _own_signals(daemon: Daemon, loop: asyncio.AbstractEventLoop) -> None:
    def stop(number: signal.Signals) -> None:
        loop.call_soon_threadsafe(daemon.request_shutdown, number.name)

    def reload() -> None:
        loop.call_soon_threadsafe(lambda: daemon.background(daemon.reload(), "reload"))

    def last_words(number: signal.Signals) -> None:
        log.warning("stopped_at_once", reason=f"second {number.name}", exit_status=128 + number)

    SignalOwner(stop=stop, reload=reload, last_words=last_words).install()


async def _serve(daemon: Daemon) -> ExitStatus:
    _own_signals(daemon, asyncio.get_running_loop())
    listen = daemon.config.listen
    listener = bind(listen.host, listen.port)
    server = HttpServer(daemon.app, listener)
    # Bound before the role starts, so that it can tell its peers the port that the kernel chose.
    daemon.bound = Address(listen.host, listener.getsockname()[1])
    await server.start()
    log.info("listening", host=daemon.bound.host, port=daemon.bound.port, version=daemon.identity.version)
    gc.freeze()  # the objects of the start-up live as long as the process: the collector can skip them
    gc.enable()  # entry.main switched it off
    shutdown = await _live(daemon, daemon.bound)
    drain_until = time.monotonic() + daemon.durations.drain_ms / 1000
    flush_timeout_s = daemon.durations.flush_timeout_ms / 1000
    log.info("stopping", reason=shutdown.reason, scope=shutdown.scope, running=len(daemon.inflight))
    daemon.life = Life.DRAINING  # from here on the gate refuses new work, while the listener still answers
    if shutdown.drain:
        await _drain(daemon, drain_until, flush_timeout_s)
    await daemon.on_stop()
    daemon.life = Life.STOPPED
    daemon.closing.set()  # after on_stop, whose last changes open streams still send
    await server.stop(handlers_s=flush_timeout_s, flush_s=max(flush_timeout_s, drain_until - time.monotonic()))
    await daemon.cancel_background()
    log.info("stopped", reason=shutdown.reason, exit_status=int(shutdown.status))
    if shutdown.message is not None:
        raise FatalError(shutdown.status, shutdown.message)
    return shutdown.status


async def _live(daemon: Daemon, bound: Address) -> Shutdown:
    """Start the role and wait until a stop is requested, which may be before the role has started."""
    asked = asyncio.ensure_future(daemon.wait_for_shutdown())
    starting = daemon.background(_start(daemon, bound), "start")
    shutdown = await asked
    if not starting.done():
        starting.cancel()
        await asyncio.wait([starting])
    return shutdown


async def _start(daemon: Daemon, bound: Address) -> None:
    await daemon.on_start(bound)
    if daemon.life is Life.STARTING:
        daemon.life = Life.SERVING


async def _drain(daemon: Daemon, until: float, flush_timeout_s: float) -> None:
    await daemon.announce_draining()
    log.info("drain_began", running=len(daemon.inflight))
    if await daemon.inflight.wait_empty(max(0.0, until - time.monotonic())):
        log.info("drain_finished", ended=0)
        return
    ended = daemon.inflight.end_all(EndReason.DRAINING)
    if not await daemon.inflight.wait_empty(flush_timeout_s):
        log.warning("drain_left_behind", running=len(daemon.inflight))
    log.warning("drain_finished", ended=ended)
