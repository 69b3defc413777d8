"""A copy of a served request is run once more before it is refused: the hive compares what the worker says now.

Imagined. The copy's sender gets the 409; the slot, the tokens and the worker's counts are spent twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from daemons.common.completions import parse_inference
from daemons.common.deadline import Deadline
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.inference import Call, InferenceApp, StreamAnswer
from daemons.common.logs import current_request_id

ROLE = "hive"
PATCHES = "daemons.common.inference:InferenceApp._accept"
PARTITION = "features/integration/network_partition.feature"
CAUGHT_BY = [
    f"{PARTITION}::A request that arrives late is not run twice, when its sender still waits",
]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Run it for nobody, under another id."""

    async def nobody(message: Message) -> None:
        assert message["type"].startswith("http.response"), "an answer, which is thrown away"

    async def _accept(self: InferenceApp, scope: Scope, receive: Receive, send: Send, body: bytes) -> Any:
        try:
            return await original(self, scope, receive, send, body)
        except ApiError as error:
            if error.code is ErrorCode.DUPLICATE_REQUEST:
                request = parse_inference(scope["path"], body)
                deadline = Deadline.after_ms(self.daemon.durations.deadline_ms)
                with self.daemon.inflight.track(f"{current_request_id()}.again", deadline) as running:
                    await self._hold(Call(scope, request, body, running, StreamAnswer(nobody)))
            raise

    return _accept
