"""The benchmark: the cost of a run and the latency that the queen adds, as the documentation gives them.

Each load is bounded in count and stops by itself; everything runs on loopback addresses of the sandbox.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp

from beehave.load.plan import Pace
from beehave.load.result import VerdictKind
from cluster.commands.playground import playground
from cluster.inference import CHAT, Inference
from cluster.performance.bench import BOUNDS
from cluster.world import World

STARTS = 5
REQUESTS = 2000
CONNECTIONS = 16
"""Enough to keep one core busy, few enough not to queue."""
STREAMS = 40
"""One after the other, so that the first token's time is the path's and not the load's."""

LEASE_MS = 15_000
"""The production's: a scaled-down lease runs out on a machine that is as busy as the benchmark makes it."""
RATES_PER_S = (100, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 1000)
RATE_STEP_S = 5
"""Long enough for a queue that grows: at 4 % over what is possible the mean passes 100 ms within these seconds."""
_BOUNDS_TEXT = f"highest rate with mean < {BOUNDS.mean_ms:.0f} ms and p99 < {BOUNDS.p99_ms:.0f} ms"


def measure(project: Path) -> list[str]:
    """Return one line for each figure: what, how much, how it was measured."""
    lines = [_start_up(project)]
    with playground(project) as world:
        world.cluster.restart_queen_with(lease_ms=LEASE_MS)
        world.cluster.worker_options |= {"token_interval_ms": 1, "slots": 64}
        world.hives.start(2, workers_each=2)
        worker_row = world.registry.first_row()
        places = {"worker": world.registry.client_of(worker_row).base_url, "queen": world.cluster.queen.address.url}
        for name, url in places.items():
            lines.append(_throughput(name, url))
        lines.append(_first_tokens(places))
        lines.append(_highest_rate(world))
    return lines


def _start_up(project: Path) -> str:
    def once() -> float:
        started = time.monotonic()
        with playground(project, hives=2, workers_each=2):
            return time.monotonic() - started

    times = [once() for _ in range(STARTS)]
    return f"nothing to a ready queen + 2 hives + 4 workers: {_spread(times, 's', 2)} ({STARTS} starts)"


def _throughput(name: str, url: str) -> str:
    seconds, failed = asyncio.run(_send_many(f"{url}{CHAT}"))
    return (
        f"requests/s through the {name}: {REQUESTS / seconds:.0f} "
        f"({REQUESTS} requests of 1 token, {CONNECTIONS} at a time, {failed} failed)"
    )


async def _send_many(url: str) -> tuple[float, int]:
    body = Inference.body("figure", max_tokens=1)
    failed = 0
    numbers = iter(range(REQUESTS))

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal failed
        for _ in numbers:
            async with session.post(url, json=body) as response:
                await response.read()
                failed += response.status != 200

    async with aiohttp.ClientSession() as session:
        await _warm_up(session, url, body)
        started = time.monotonic()
        await asyncio.gather(*(client(session) for _ in range(CONNECTIONS)))
        return time.monotonic() - started, failed


async def _warm_up(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> None:
    """Send a few requests that do not count: imports and connections of the first ones are not the path's cost."""
    for _ in range(CONNECTIONS):
        async with session.post(url, json=body) as response:
            await response.read()


def _first_tokens(places: dict[str, str]) -> str:
    waited: dict[str, list[float]] = {name: [] for name in places}

    async def run() -> None:
        body = Inference.body("figure", max_tokens=2) | {"stream": True}
        async with aiohttp.ClientSession() as session:
            for _ in range(STREAMS):
                for name, url in places.items():  # interleaved, so that a busy moment hits both
                    sent = time.monotonic()
                    async with session.post(f"{url}{CHAT}", json=body) as response:
                        await response.content.readany()
                        waited[name].append((time.monotonic() - sent) * 1000)
                        await response.read()

    asyncio.run(run())
    direct, through = (statistics.median(waited[name]) for name in ("worker", "queen"))
    return (
        f"first token: {direct:.1f} ms from the worker, {through:.1f} ms through queen and hive, "
        f"added {through - direct:.1f} ms (medians of {STREAMS})"
    )


def _highest_rate(world: World) -> str:
    """Raise the rate step by step until the bounds no longer hold, and return the last one that held them."""
    held = "none"
    for rate in RATES_PER_S:
        world.bench.send(rate * RATE_STEP_S, pace=Pace.CONSTANT, seconds=RATE_STEP_S)
        verdict = world.bench.verdict(BOUNDS)
        if verdict.kind is not VerdictKind.GOOD:
            return f"{_BOUNDS_TEXT}: {held}; at {rate}/s {verdict}"
        held = f"{rate}/s ({world.bench.result().short()})"
    return f"{_BOUNDS_TEXT}: {held}; that is the highest that was tried"


def _spread(values: Iterable[float], unit: str, digits: int) -> str:
    ordered = sorted(values)
    return f"{statistics.median(ordered):.{digits}f} {unit} ({ordered[0]:.{digits}f} to {ordered[-1]:.{digits}f})"
