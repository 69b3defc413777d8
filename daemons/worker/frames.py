"""The OpenAI frames of an answer: the chunks of a stream, or the complete body."""

from __future__ import annotations

import time
from typing import Any

from daemons.common.completions import ChatRequest, CompletionRequest
from daemons.common.errors import dump_json

DONE = b"data: [DONE]\n\n"


def event(payload: object) -> bytes:
    """Return one event of a stream."""
    return b"data: " + dump_json(payload) + b"\n\n"


class Frames:
    """The frames of one answer; `id` ends in the request's id, so that an answer can be found in the logs."""

    def __init__(self, request: ChatRequest | CompletionRequest, request_id: str, prompt_tokens: int) -> None:
        self._chat = isinstance(request, ChatRequest)
        self._head: dict[str, Any] = {
            "id": f"{'chatcmpl' if self._chat else 'cmpl'}-{request_id}",
            "created": int(time.time()),
            "model": request.model,
        }
        self._prompt_tokens = prompt_tokens
        self._include_usage = request.include_usage

    def first(self, token: str) -> bytes:
        """Return the first chunk: the role and the first token."""
        return self._chunk({"role": "assistant", "content": token}, token)

    def next(self, token: str) -> bytes:
        """Return the chunk of a further token."""
        return self._chunk({"content": token}, token)

    def last(self, tokens: int) -> bytes:
        """Return what follows the last token: the finish reason, the usage if requested, and `[DONE]`."""
        end = self._chunk({}, "", finish_reason="length")
        if self._include_usage:
            end += event({**self._head, "object": self._chunk_object, "choices": [], "usage": self._usage(tokens)})
        return end + DONE

    def whole(self, tokens: list[str]) -> bytes:
        """Return the answer that is not streamed."""
        text = "".join(tokens)
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
        if self._chat:
            choice["message"] = {"role": "assistant", "content": text}
        else:
            choice["text"] = text
        answer = {
            **self._head,
            "object": "chat.completion" if self._chat else "text_completion",
            "choices": [choice],
            "usage": self._usage(len(tokens)),
        }
        return dump_json(answer)

    @property
    def _chunk_object(self) -> str:
        return "chat.completion.chunk" if self._chat else "text_completion"

    def _chunk(self, delta: dict[str, str], text: str, *, finish_reason: str | None = None) -> bytes:
        content: dict[str, Any] = {"delta": delta} if self._chat else {"text": text}
        choice = {"index": 0, **content, "finish_reason": finish_reason}
        return event({**self._head, "object": self._chunk_object, "choices": [choice]})

    def _usage(self, tokens: int) -> dict[str, int]:
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": self._prompt_tokens + tokens,
        }
