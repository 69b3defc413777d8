"""The HTTP client of the steps: every response, and every failed request, is recorded as an observation."""

from __future__ import annotations

import errno
import json
import logging
import socket
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from beehave.journal import Journal

for library in ("httpx", "httpx2"):  # the second is the OpenAI client's; the journal has every request anyway
    logging.getLogger(library).setLevel(logging.WARNING)

DEFAULT_TIMEOUT_S = 15.0
"""How long a step waits for a response; longer than all scaled-down durations except the request deadline."""


@dataclass(frozen=True)
class Answer:
    """A response, or why there is none: `status` is None when the connection failed, and `failure` says how."""

    method: str
    url: str
    status: int | None
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    failure: str | None = None
    elapsed_ms: float = 0.0

    @property
    def json(self) -> Any:
        """Return the decoded body.

        Raises:
            AssertionError: there was no answer, or it is not JSON.
        """
        assert self.status is not None, f"no answer to read: {self}"
        try:
            return json.loads(self.text)
        except json.JSONDecodeError as error:
            raise AssertionError(f"the body is not JSON ({error}): {self}") from error

    @property
    def error_code(self) -> str | None:
        """Return `error.code` of a JSON error body, None for any other body."""
        try:
            return str(json.loads(self.text)["error"]["code"])
        except (json.JSONDecodeError, KeyError, TypeError):
            return None

    @property
    def request_id(self) -> str | None:
        """Return the request id in the response's header."""
        return self.headers.get("x-request-id")

    def expect(self, *statuses: int) -> Answer:
        """Return self when the status is one of `statuses`.

        Raises:
            AssertionError: it is another, or there was no answer.
        """
        assert self.status in statuses, f"expected {' or '.join(map(str, statuses))}, got {self}"
        return self

    def __str__(self) -> str:
        """Return the request and its response in one line."""
        came = f"{self.status} {self.text[:400]}" if self.status is not None else f"no answer: {self.failure}"
        return f"{self.method} {self.url} -> {came} ({self.elapsed_ms:.0f} ms)"


class Client:
    """An HTTP client of one daemon, bound to one source address, without a proxy."""

    def __init__(self, journal: Journal, base_url: str, *, headers: dict[str, str] | None = None) -> None:
        self._journal = journal
        self._http = httpx.Client(
            base_url=base_url,
            headers=headers,
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP on loopback; loading certificates costs 30 ms a client
            timeout=DEFAULT_TIMEOUT_S,
            limits=httpx.Limits(
                max_keepalive_connections=0
            ),  # a restarted daemon must not get a request on an old connection
        )
        self.base_url = base_url

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> Answer:
        """Send one request and return its answer; a connection that fails is an Answer without a status."""
        sent = time.monotonic()
        url = f"{self.base_url}{path}"
        try:
            response = self._http.request(method, path, json=body, headers=headers, timeout=timeout_s)
            answer = Answer(
                method, url, response.status_code, dict(response.headers), response.text,
                elapsed_ms=(time.monotonic() - sent) * 1000,
            )  # fmt: skip
        except httpx.HTTPError as error:
            failure = f"{type(error).__name__}: {error}"
            answer = Answer(method, url, None, failure=failure, elapsed_ms=(time.monotonic() - sent) * 1000)
        self._journal.observe(
            "answer",
            method=method,
            url=url,
            status=answer.status,
            request_id=answer.request_id,
            failure=answer.failure,
            elapsed_ms=round(answer.elapsed_ms, 1),
            body=answer.text[:2000],
        )
        return answer

    def get(self, path: str, **options: Any) -> Answer:
        """Send a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> Answer:
        """Send a POST with a JSON body."""
        return self.request("POST", path, body=body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """Send a DELETE."""
        return self.request("DELETE", path, **options)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()


def refuses_connections(journal: Journal, host: str, port: int) -> bool:
    """Return whether a TCP connection to this address is refused, as it is when nothing listens there."""
    with socket.socket() as attempt:
        attempt.settimeout(2)
        outcome = attempt.connect_ex((host, port))
    refused = outcome == errno.ECONNREFUSED
    journal.observe("connection", host=host, port=port, errno=outcome, refused=refused)
    return refused
