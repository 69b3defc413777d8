"""The worker's inference routes: a slot, an engine, frames."""

from __future__ import annotations

from collections.abc import AsyncIterator

from daemons.common.completions import ChatRequest, CompletionRequest
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.inference import Call, InferenceApp
from daemons.common.ledger import DeviceFullError
from daemons.common.metrics import Outcome
from daemons.common.wire import WORKER_ID_HEADER
from daemons.worker.engine import Engine, count_tokens
from daemons.worker.frames import Frames
from daemons.worker.memory import open_cache
from daemons.worker.worker import Worker

_STREAM_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


class Inference(InferenceApp):
    """Serves chat and completions, streamed and not."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        self._worker = worker

    async def serve(self, call: Call) -> Outcome:
        """Generate the tokens of one call."""
        engine = self._engine_for(call.request)
        prompt = call.request.prompt_text()
        frames = Frames(call.request, call.running.request_id, count_tokens(prompt))
        with self._worker.slots.take(call.running.request_id):
            if call.request.streamed:
                await self._stream(call, engine, prompt, frames)
            else:
                await self._whole(call, engine, prompt, frames)
        return Outcome.SERVED

    def _engine_for(self, request: ChatRequest | CompletionRequest) -> Engine:
        assert self._worker.engine is not None, "the gate lets no request through before the model is loaded"
        if request.model != self._worker.model_ref:
            raise ApiError(ErrorCode.MODEL_NOT_FOUND, "this worker serves another model")
        return self._worker.engine

    async def _stream(self, call: Call, engine: Engine, prompt: str, frames: Frames) -> None:
        headers = {**_STREAM_HEADERS, WORKER_ID_HEADER: self._worker.identity.name}
        made = 0
        async for token in self._tokens(call, engine, prompt):
            await call.answer.write(headers, frames.next(token) if made else frames.first(token))
            made += 1
        await call.answer.finish(headers, frames.last(made))

    async def _whole(self, call: Call, engine: Engine, prompt: str, frames: Frames) -> None:
        tokens = [token async for token in self._tokens(call, engine, prompt)]
        headers = {WORKER_ID_HEADER: self._worker.identity.name}
        await call.answer.whole(200, headers, frames.whole(tokens))

    async def _tokens(self, call: Call, engine: Engine, prompt: str) -> AsyncIterator[str]:
        worker = self._worker
        with open_cache(worker.cache_memory, worker.kv_bytes_per_token) as cache:
            try:
                await cache.add(count_tokens(prompt))
                async for token in engine.generate(prompt, call.request.token_limit, call.request.seed or 0):
                    await cache.add(1)
                    worker.tokens.inc()
                    yield token
            except DeviceFullError as full:
                raise worker.out_of_memory(full, "generating") from None
