"""Seeds that the scenarios of features/integration/performance.feature must notice."""

import asyncio
import os
import threading
import time
from itertools import count

from bugs.seed import caught_by, seed

PERFORMANCE = "features/integration/performance.feature"


@seed(role="queen", patches="daemons.common.relay:_Exchange.try_targets")
@caught_by(PERFORMANCE, "A thousand requests on a constant schedule over 10 seconds")
@caught_by(PERFORMANCE, "A worker's pause is in the report, and a closed loop would have hidden it")
def answers_from_cache(original):
    """The queen answers a body that it has seen before from a cache, and asks no worker. Real: caching gateways."""
    from daemons.common.metrics import Outcome

    cache = {}

    async def try_targets(self, route):
        asked, answer = self._call.body, self._answer
        if asked in cache:
            await answer.whole(200, *cache[asked])
            return Outcome.SERVED
        whole = answer.whole

        async def whole_and_keep(status, headers, body):
            if status == 200:
                cache[asked] = headers, body
            await whole(status, headers, body)

        answer.whole = whole_and_keep
        return await original(self, route)

    return try_targets


@seed(role="worker", patches="daemons.worker.engine:PacedEngine.generate")
@caught_by(PERFORMANCE, "Requests are answered in time beside a stream of 10 seconds")
def caps_tokens_silently(original):
    """A worker makes 256 tokens at most, whatever was asked for, and ends the stream in good order."""
    return lambda self, prompt, max_tokens, seed: original(self, prompt, min(max_tokens, 256), seed)


@seed(role="queen", patches="daemons.common.asgi:send_json")
@caught_by(PERFORMANCE, "A thousand requests on a constant schedule over 10 seconds")
def cuts_every_hundredth_answer(original):
    """The queen drops the connection of every hundredth answer in its middle, as a server that is recycled."""

    class _RecycledError(Exception):
        """The server is another one by now."""

    numbers = count(1)

    async def send_json(send, status, body, headers=None):
        if next(numbers) % 100:
            await original(send, status, body, headers)
            return

        async def send_half(message):
            if message["type"] == "http.response.body":
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
                raise _RecycledError
            await send(message)

        await original(send_half, status, body, headers)

    return send_json


@seed(role="hive", patches="daemons.hive.inference:HiveRouter.route")
@caught_by(PERFORMANCE, "A thousand requests on a constant schedule over 10 seconds")
def file_per_request(original):
    """A hive opens a file for the trace of each request, and closes none: "too many open files", after hours."""

    def route(self, request, scope):
        os.open(os.devnull, os.O_WRONLY)
        return original(self, request, scope)

    return route


@seed(role="hive", patches="daemons.common.relay:_Exchange._pass_through")
@caught_by(PERFORMANCE, "A worker's pause is in the report, and a closed loop would have hidden it")
def half_a_second_is_enough(original):
    """A hive gives a worker half a second for a whole answer, and calls it lost then, whatever the deadline."""
    from daemons.common.client import PeerFault

    async def _pass_through(self, target):
        if self._call.request.streamed:
            return await original(self, target)
        try:
            async with asyncio.timeout(0.5):
                return await original(self, target)
        except TimeoutError:
            raise self._broken(PeerFault.TIMED_OUT) from None

    return _pass_through


@seed(role="queen", patches="daemons.common.inference:StreamAnswer.whole")
@caught_by(PERFORMANCE, "A thousand requests on a constant schedule over 10 seconds")
def keeps_every_answer(original):
    """The queen keeps what it sent to each client: eight kilobytes a request are a gigabyte a day."""
    history = []

    async def whole(self, status, headers, body):
        history.append(body.ljust(8192, b" "))
        await original(self, status, headers, body)

    return whole


@seed(role="queen", patches="daemons.queen.waiting:WaitingLines.full")
@caught_by(PERFORMANCE, "A generator that was paused itself calls its run inconclusive")
def short_queue(original):
    """The queue for a slot holds eight requests, whatever `queue_limit` says: a burst is turned away."""
    return property(lambda self: len(self) >= 8)


@seed(role="hive", patches="daemons.common.relay:Relay.serve")
@caught_by(PERFORMANCE, "A worker's pause is in the report, and a closed loop would have hidden it")
def stalls_one_in_twenty(original):
    """Every twentieth request waits for four tenths of a second at its hive, for a lock that is seldom held long.

    Mean and p99 of the load stay within their bounds; a client that asks again and again meets it all the time.
    """
    numbers = count(1)

    async def serve(self, call):
        if next(numbers) % 20 == 0:
            await asyncio.sleep(0.4)
        return await original(self, call)

    return serve


@seed(role="queen", patches="daemons.queen.dispatch:Dispatcher.ended")
@caught_by(PERFORMANCE, "A thousand requests on a constant schedule over 10 seconds")
def stops_for_housekeeping(original):
    """Every hundredth request the queen tidies up for six tenths of a second, and serves no request meanwhile.

    A client that asks one by one meets it once in a hundred times; on a schedule it hits all requests of that time.
    """
    numbers = count(1)

    def ended(self, slot, attempt):
        original(self, slot, attempt)
        if next(numbers) % 100 == 0:
            time.sleep(0.6)

    return ended


@seed(role="worker", patches="daemons.worker.inference:Inference._engine_for")
@caught_by(PERFORMANCE, "A thousand requests on a constant schedule over 10 seconds")
def timer_per_request(original):
    """A worker sets a timer for each request, in a thread of its own, and does not cancel it at the request's end."""

    def _engine_for(self, request):
        timer = threading.Timer(600, lambda: None)
        timer.daemon = True  # as a watchdog is: it must not keep the process
        timer.start()
        return original(self, request)

    return _engine_for


@seed(role="worker", patches="daemons.worker.engine:PacedEngine.generate")
@caught_by(PERFORMANCE, "Requests are answered in time beside a stream of 10 seconds")
def tokens_in_bursts(original):
    """A worker hands its tokens over thirty at a time, as of a batch: the stream stutters."""

    async def generate(self, prompt, max_tokens, seed):
        ready = []
        async for token in original(self, prompt, max_tokens, seed):
            ready.append(token)
            if len(ready) == 30:
                for each in ready:
                    yield each
                ready.clear()
        for each in ready:
            yield each

    return generate
