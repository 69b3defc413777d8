"""Seeds that the scenarios of features/integration/worker_restart_during_inference.feature must notice."""

import asyncio
import os

from bugs.seed import caught_by, seed

RESTART = "features/integration/worker_restart_during_inference.feature"


@seed(role="hive", patches="daemons.common.inference:StreamAnswer.fail")
@caught_by(RESTART, "The worker is killed in the middle of a stream")
def broken_stream_says_done(original):
    """A stream whose worker died ends with `[DONE]`, as if it were whole. Real: litellm #36768."""

    async def fail(self, error, flush_timeout_ms):
        if self.begun:
            await self.finish({}, b"data: [DONE]\n\n")
        else:
            await original(self, error, flush_timeout_ms)

    return fail


@seed(role="hive", patches="daemons.hive.store:Store.save_model")
@caught_by(RESTART, "The worker is killed in the middle of a stream")
def catalog_not_written(original):
    """A pulled model is in the hive's memory and folder, and never in its database."""

    async def save_model(self, model):
        return None

    return save_model


@seed(role="worker", patches="daemons.common.serve:_drain")
@caught_by(RESTART, "The worker is sent SIGTERM in the middle of a stream")
@caught_by(RESTART, "The worker is restarted through the API in the middle of a stream")
def drain_cuts(original):
    """A worker that is asked to end cuts what it serves, with an error chunk. Real: uvicorn 0.43 and 0.44."""

    async def _drain(daemon, until, flush_timeout_s):
        await original(daemon, until - 3600, flush_timeout_s)

    return _drain


@seed(role="hive", patches="daemons.common.errors:ApiError.chunk", fast=True)
@caught_by(RESTART, "The worker is killed in the middle of a stream")
def error_chunk_and_done(original):
    """A broken stream ends with its error chunk and then with `[DONE]`: clients that stop at the first are lucky."""
    return lambda self, request_id=None: bytes(original(self, request_id)) + b"data: [DONE]\n\n"


@seed(role="hive", patches="daemons.common.errors:ApiError.headers")
@caught_by(RESTART, "The worker is killed before the first token of a streaming request")
@caught_by(RESTART, "The worker is killed before the first token of a non-streaming request")
def hive_no_retry_after(original):
    """A hive's errors do not say when to come again, and the queen passes them on as they are."""
    return lambda self: {}


@seed(role="hive", patches="daemons.common.inference:StreamAnswer.fail")
@caught_by(RESTART, "The worker is killed in the middle of a stream")
def late_error(original):
    """A broken stream ends late: the hive first waits whether the worker comes back."""

    async def fail(self, error, flush_timeout_ms):
        if self.begun:
            await asyncio.sleep(1.5)
        await original(self, error, flush_timeout_ms)

    return fail


@seed(role="queen", patches="daemons.common.relay:_Exchange._try_target")
@caught_by(RESTART, "After the first token no other worker takes over")
def repeats_after_first_byte(original):
    """A stream that breaks after its first byte is tried on another worker, which repeats it. Real: dynamo #13600."""
    from daemons.common.errors import ApiError

    class _BrokenError(Exception):
        """The stream ended with an error chunk, which was withheld."""

    class _Withholding:
        """An answer that does not pass on an error chunk."""

        def __init__(self, answer):
            self._answer = answer

        def __getattr__(self, name):
            return getattr(self._answer, name)

        async def finish(self, headers, data):
            if b'data: {"error"' in data:
                raise _BrokenError
            await self._answer.finish(headers, data)

    async def _try_target(self, route, target):
        answer = self._answer
        self._answer = _Withholding(answer)
        try:
            return await original(self, route, target)
        except _BrokenError as broken:
            self._answer = answer
            try:
                another = await route.pick()
            except ApiError as nobody:
                raise nobody from broken
            return await original(self, route, another)
        finally:
            self._answer = answer

    return _try_target


@seed(role="worker", patches="daemons.worker.engine:sequence_base")
@caught_by(RESTART, "The worker is killed in the middle of a stream")
def seed_of_the_process(original):
    """Tokens depend on the process that makes them (its salted `hash`): a repetition after a restart shows it."""
    return lambda model, prompt, seed: bytes(original(model, f"{os.getpid()}{prompt}", seed))
