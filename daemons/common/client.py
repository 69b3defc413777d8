"""The one HTTP client of the daemons: how the session is made, and small JSON calls between them.

No connection is kept for another request. On loopback and in a rack a connect costs some 0.1 ms, and without a pool a
refused or reset connection is evidence about the peer now: a restarted worker cannot look failed because of a stale
connection, and a cut link is noticed within `connect_ms`, not when a pooled connection's retransmissions end.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

import aiohttp

from daemons.common.durations import Durations
from daemons.common.errors import dump_json
from daemons.common.logs import current_request_id

_PROXY_VARIABLES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""The largest list of a queen or hive is far smaller; more is not an answer of a daemon."""


class PeerFault(StrEnum):
    """How a peer failed to answer."""

    REFUSED = "refused"
    """Nothing listens there: the process is not running."""
    TIMED_OUT = "timed_out"
    """No connection, or no answer, in time: a silent link or a stuck process."""
    LOST = "lost"
    """The connection broke before the answer was complete."""
    UNREADABLE = "unreadable"
    """The answer is not the HTTP or the JSON that was expected."""


class PeerError(Exception):
    """A call without a usable answer."""

    def __init__(self, fault: PeerFault, detail: str) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, whatever its status."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            PeerError: it is not JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise PeerError(PeerFault.UNREADABLE, f"HTTP {self.status} without JSON") from None


def create_session(host: str, durations: Durations) -> aiohttp.ClientSession:
    """Return the session of a daemon that listens on `host`. Call it inside the running loop, once per process.

    It connects from `host`, so that a rule about one link's addresses holds in both directions, and through HTTP_PROXY
    where one is set. There is no total timeout: callers bound their calls.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0, force_close=True, local_addr=_local_address(host), happy_eyeballs_delay=None
        ),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=durations.connect_ms / 1000),
        auto_decompress=False,
        # Reading the proxy variables costs time at each request: only where one is set.
        trust_env=any(os.environ.get(name) for name in _PROXY_VARIABLES),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
    )


def _local_address(host: str) -> tuple[str, int] | None:
    """Return the address to connect from; None where the kernel has to choose it: for a wildcard or a name."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if address.is_unspecified else (host, 0)


def peer_fault(error: Exception) -> PeerFault:
    """Return the fault of the peer that an exception of aiohttp stands for."""
    if isinstance(error, TimeoutError):
        return PeerFault.TIMED_OUT
    if isinstance(error, aiohttp.ClientConnectorError):
        return PeerFault.REFUSED
    if isinstance(error, aiohttp.ClientConnectionError | aiohttp.ClientPayloadError | OSError):
        return PeerFault.LOST
    return PeerFault.UNREADABLE


class PeerClient:
    """JSON calls to other daemons, each bounded in time. Open it inside the running loop."""

    def __init__(self, host: str, durations: Durations) -> None:
        self._durations = durations
        self.session = create_session(host, durations)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the session; calls in flight end with PeerError."""
        await self.session.close()

    async def call(
        self,
        method: str,
        url: str,
        *,
        json_body: object = None,
        headers: Mapping[str, str] | None = None,
        timeout_ms: int | None = None,
        connect_ms: int | None = None,
    ) -> Answer:
        """Send one request and return its complete answer, within `timeout_ms` (probe_timeout_ms when None).

        Connecting may take `connect_ms` of that time (the configured duration when None).

        Raises:
            PeerError: no complete answer came.
        """
        sent = {"x-request-id": current_request_id(), **(headers or {})}
        if not sent["x-request-id"]:
            del sent["x-request-id"]
        data = None
        if json_body is not None:
            data = dump_json(json_body)
            sent["content-type"] = "application/json"
        milliseconds = self._durations.probe_timeout_ms if timeout_ms is None else timeout_ms
        connect_s = (self._durations.connect_ms if connect_ms is None else connect_ms) / 1000
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        try:
            async with asyncio.timeout(milliseconds / 1000):
                async with self.session.request(method, url, data=data, headers=sent, timeout=timeout) as response:
                    return Answer(response.status, await _read_bounded(response))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise PeerError(peer_fault(error), type(error).__name__) from None


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_ANSWER_BYTES:
            raise PeerError(PeerFault.UNREADABLE, f"an answer of more than {_MAX_ANSWER_BYTES} bytes")
    return bytes(body)
