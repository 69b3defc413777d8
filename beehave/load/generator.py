"""The generator: one event loop that sends on schedule, whatever becomes of earlier requests."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise

import aiohttp

from beehave.load.answers import Reading, WrongAnswerError, read_stream, read_whole
from beehave.load.plan import LoadPlan, Pace
from beehave.load.recorder import Recorder
from beehave.load.result import CLIENT_TIMEOUT, CONNECTION, LoadResult
from beehave.load.schedule import send_offsets

HEAD_START_S = 0.1
"""Time between the start line and the first send."""
KEEP_ALIVE_S = 2.0
"""An idle connection is given up well before the daemons close it, 5 s after its last answer: a request that meets its
connection closing would be counted as the product's error."""
STARTED = "started"
"""The line that a generator prints when the schedule begins."""


class Tally:
    """The counts and times of a run so far."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._latency, self._lag, self._first_token, self._between = Recorder(), Recorder(), Recorder(), Recorder()
        self._errors: Counter[str] = Counter()
        self._answered = 0
        self._tokens = 0
        self._sent = 0
        self._in_flight = 0
        self._in_flight_max = 0
        self._began: float | None = None
        self._ended = 0.0

    def sent(self, *, intended: float, now: float) -> None:
        """Count a request that is sent now; both times in seconds on the monotonic clock."""
        self._sent += 1
        self._in_flight += 1
        self._in_flight_max = max(self._in_flight_max, self._in_flight)
        self._began = intended if self._began is None else self._began
        self._lag.add((now - intended) * 1000)

    def ended(self, reading: Reading, *, intended: float, now: float, error: str | None) -> None:
        """Count a request that has ended, with an error or without."""
        self._ended = now
        self._in_flight -= 1
        waited_ms = (now - intended) * 1000
        if error is None:
            self._answered += 1
        else:
            self._errors[error] += 1
            waited_ms = max(waited_ms, self._plan.timeout_s * 1000)
        self._latency.add(waited_ms)
        times = reading.token_times
        self._tokens += len(times)
        if times:
            self._first_token.add((times[0] - intended) * 1000)
        for before, after in pairwise(times):
            self._between.add((after - before) * 1000)

    def result(self, *, complete: bool) -> LoadResult:
        """Return the result; for a closed loop, the number planned is the number sent."""
        return LoadResult(
            pace=self._plan.pace,
            rate_per_s=self._plan.rate_per_s,
            planned=self._sent if self._plan.pace is Pace.CLOSED else self._plan.count,
            seed=self._plan.seed,
            complete=complete,
            seconds=0.0 if self._began is None else max(0.0, self._ended - self._began),
            answered=self._answered,
            errors=dict(self._errors),
            in_flight_max=self._in_flight_max,
            tokens=self._tokens,
            latency=self._latency.summary(),
            lag=self._lag.summary(),
            first_token=self._first_token.summary(),
            between_tokens=self._between.summary(),
        )


class Generator:
    """Runs one plan."""

    def __init__(self, plan: LoadPlan) -> None:
        self.tally = Tally(plan)
        self._plan = plan

    async def run(self) -> None:
        """Send everything and wait for all responses; the schedule and the timeout bound the wait."""
        source = (self._plan.source_host, 0) if self._plan.source_host else None
        connector = aiohttp.TCPConnector(limit=0, local_addr=source, keepalive_timeout=KEEP_ALIVE_S)
        timeout = aiohttp.ClientTimeout(total=None)  # each request has its own, from its intended send
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False) as session:
            print(STARTED, flush=True)  # noqa: T201 - the parent process waits for this line
            begin = time.monotonic() + HEAD_START_S
            if self._plan.pace is Pace.CLOSED:
                await self._closed_loop(session, begin)
            else:
                await self._open_loop(session, begin)

    async def _open_loop(self, session: aiohttp.ClientSession, begin: float) -> None:
        plan = self._plan
        offsets = send_offsets(plan.pace, rate_per_s=plan.rate_per_s, count=plan.count, seed=plan.seed)
        async with asyncio.TaskGroup() as group:
            for number, offset in enumerate(offsets):
                await asyncio.sleep(max(0.0, begin + offset - time.monotonic()))
                group.create_task(self._request(session, number, begin + offset))

    async def _closed_loop(self, session: aiohttp.ClientSession, begin: float) -> None:
        await asyncio.sleep(max(0.0, begin - time.monotonic()))
        for number in range(self._plan.count):
            if time.monotonic() >= begin + self._plan.seconds:
                return
            await self._request(session, number, time.monotonic())

    async def _request(self, session: aiohttp.ClientSession, number: int, intended: float) -> None:
        self.tally.sent(intended=intended, now=time.monotonic())
        reading = Reading()
        error = await self._failure(session, number, intended, reading)
        self.tally.ended(reading, intended=intended, now=time.monotonic(), error=error)

    async def _failure(
        self, session: aiohttp.ClientSession, number: int, intended: float, reading: Reading
    ) -> str | None:
        """Send one request, read its response, and return the kind of its error, None when there is none."""
        plan = self._plan
        headers = plan.headers | {"X-Request-Id": f"load-{os.getpid()}-{number}"}
        left_s = intended + plan.timeout_s - time.monotonic()
        try:
            async with asyncio.timeout(left_s), session.post(plan.url, json=plan.body, headers=headers) as response:
                if plan.streamed:
                    await read_stream(response, reading, tokens=plan.body["max_tokens"])
                else:
                    await read_whole(response)
        except TimeoutError:
            return CLIENT_TIMEOUT
        except WrongAnswerError as error:
            return str(error)
        except (aiohttp.ClientError, OSError) as error:
            return f"{CONNECTION}: {type(error).__name__}"
        return None


def run(plan: LoadPlan) -> LoadResult:
    """Run a plan, write its result file, and return the result; SIGTERM and SIGINT stop it early."""
    generator = Generator(plan)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        complete = runner.run(_until_signalled(generator))
    result = generator.tally.result(complete=complete)
    fresh = plan.result_path.with_suffix(".part")
    fresh.write_text(result.model_dump_json(indent=1), encoding="utf-8")
    fresh.replace(plan.result_path)  # a reader sees the whole file or none
    return result


async def _until_signalled(generator: Generator) -> bool:
    """Return True when the plan was completed, False when a signal ended it."""
    task = asyncio.ensure_future(generator.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, partial(task.cancel))
    with suppress(asyncio.CancelledError):
        await task
    return not task.cancelled()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # uvloop is an extra, and not for every platform
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
