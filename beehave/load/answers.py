"""Reading and checking one response, whole or token by token."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp


class WrongAnswerError(Exception):
    """The response is not a valid one; the text is the kind of error that is counted."""


@dataclass
class Reading:
    """What was read of one response, with times on the monotonic clock, in seconds."""

    token_times: list[float] = field(default_factory=list)


async def read_whole(response: aiohttp.ClientResponse) -> None:
    """Read a response that is not streamed.

    Raises:
        WrongAnswerError: it is not a completion.
    """
    text = _text(_decoded(await _body_of_200(response)), "message")
    if not text:
        raise WrongAnswerError("200 without a completion")


async def read_stream(response: aiohttp.ClientResponse, reading: Reading, *, tokens: int) -> None:
    """Read a stream of `tokens` tokens into `reading`, as they come.

    Raises:
        WrongAnswerError: it broke, or it ended without `[DONE]` or without all of its tokens.
    """
    if response.status != 200:
        await _body_of_200(response)
    async for line in response.content:
        data = line.removeprefix(b"data:").strip()
        if not line.startswith(b"data:"):
            continue
        if data == b"[DONE]":
            break
        chunk = _decoded(data)
        if "error" in chunk:
            raise WrongAnswerError(f"stream broken by {_code(chunk)}")
        if _text(chunk, "delta"):
            reading.token_times.append(time.monotonic())
    else:
        raise WrongAnswerError("stream without [DONE]")
    if len(reading.token_times) != tokens:
        raise WrongAnswerError(f"stream of {len(reading.token_times)} tokens")


async def _body_of_200(response: aiohttp.ClientResponse) -> bytes:
    body = await response.read()
    if response.status != 200:
        raise WrongAnswerError(f"{response.status} {_code(_decoded(body))}")
    return body


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        decoded = json.loads(body)
    except ValueError:  # not JSON, or not even text
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _code(body: dict[str, Any]) -> str:
    error = body.get("error")
    return str(error.get("code")) if isinstance(error, dict) else "without a code"


def _text(body: dict[str, Any], part: str) -> str:
    choices = body.get("choices") or []
    return "".join(choice.get(part, {}).get("content") or "" for choice in choices)
