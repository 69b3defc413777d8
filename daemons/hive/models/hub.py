"""The client of the model hub: descriptions of models, and their bytes from any offset on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from daemons.common.client import PeerClient, PeerError
from daemons.common.durations import Durations
from daemons.common.errors import ApiError, ErrorCode

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_PASSING: Final = frozenset({408, 425, 429})
"""The 4xx that mean "not now" instead of "not this"."""
_READ_BYTES: Final = 16_384
"""Small, since the bytes that aiohttp has buffered are lost when the connection breaks."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """The hub's description of a model, which the file must match."""

    ref: str
    size_bytes: int
    sha256: str


class PassingFaultError(Exception):
    """A try that failed for a reason that may pass. `error` is the answer when no try is left."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


class Hub:
    """A hub at `url`."""

    def __init__(self, client: PeerClient, url: str, durations: Durations) -> None:
        self._client = client
        self._url = url
        # The stall bound can be long, but a client waits for this answer.
        self._describe_ms = min(durations.download_stall_ms, durations.deadline_ms)

    async def describe(self, ref: str) -> HubModel:
        """Return the description of a model.

        Raises:
            ApiError: 404 when the hub has no such model; 502 when it refuses, or describes something else.
            PassingFaultError: the hub cannot be reached, or fails.
        """
        try:
            answer = await self._client.call("GET", f"{self._url}/models/{ref}", timeout_ms=self._describe_ms)
            check_status(ref, answer.status)
            return _described(ref, answer.json())
        except PeerError as error:
            raise unreachable(str(error.fault)) from error

    @asynccontextmanager
    async def open(self, ref: str, *, start: int, etag: str | None) -> AsyncIterator[aiohttp.ClientResponse]:
        """Request the file's bytes from `start` on; from 0 when the file no longer has `etag`.

        Raises:
            ApiError: the hub refuses this file permanently.
            PassingFaultError: the hub cannot be reached, or fails.
        """
        headers = {"accept-encoding": "identity"}
        if start:
            headers["range"] = f"bytes={start}-"
        if start and etag is not None and etag.startswith('"'):  # a weak tag must not be used with If-Range
            headers["if-range"] = etag
        url = f"{self._url}/models/{ref}/file"
        async with self._client.session.get(url, headers=headers, read_bufsize=_READ_BYTES) as response:
            if response.status != 416:
                check_status(ref, response.status)
            yield response


def check_status(ref: str, status: int) -> None:
    """Raise the error that an unsuccessful status means for a model."""
    if status < 300:
        return
    if status == 404:
        raise ApiError(ErrorCode.MODEL_NOT_FOUND, f"neither this hive nor the model hub has {ref}")
    if 400 <= status < 500 and status not in _PASSING:
        raise ApiError(ErrorCode.DOWNLOAD_FAILED, f"the model hub refuses {ref} with HTTP {status}")
    raise unreachable(f"HTTP {status}")


def unreachable(detail: str) -> PassingFaultError:
    """Return the error for a hub that gave no usable answer."""
    message = f"the model hub cannot be used now ({detail}); check the hub and hub.url"
    return PassingFaultError(ApiError(ErrorCode.HUB_UNAVAILABLE, message))


def _described(ref: str, body: Any) -> HubModel:
    size, sha256 = (body.get("size_bytes"), body.get("sha256")) if isinstance(body, dict) else (None, None)
    usable = isinstance(size, int) and size >= 0 and isinstance(sha256, str) and _SHA256.fullmatch(sha256)
    if not usable or body.get("ref", ref) != ref:
        raise ApiError(ErrorCode.DOWNLOAD_FAILED, f"the model hub does not describe {ref} in a usable way")
    return HubModel(ref, body["size_bytes"], body["sha256"])
