"""The queen's calls to hives: spawn, stop, restart, cancel, shut down, and their complete state."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from daemons.common.client import Answer, PeerClient, PeerError, PeerFault
from daemons.common.durations import Durations
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.logs import log
from daemons.common.wire import HiveLease, WorkerRow
from daemons.queen.entries import HiveEntry

CONNECT_PAUSES_S = (0.0, 0.2, 0.4)
"""Pauses before each try at a hive that refuses the connection: a restart of its process is bridged, and a dead
hive is reported within two thirds of a second. Nothing was sent on a refused connection, so a retry is safe for every
method."""


class HiveCalls:
    """Calls to hives. Each raises ApiError: 502 hive_unreachable when no answer came, else the hive's own error."""

    def __init__(self, client: PeerClient, durations: Durations) -> None:
        self._client = client
        self._durations = durations

    async def lease(self, hive: HiveEntry) -> HiveLease:
        """Return the hive's complete state, asked once. Raises PeerError when it does not come or is invalid."""
        answer = await self._client.call("GET", f"{hive.lease.url}/v1/lease")
        if not answer.ok:
            raise PeerError(PeerFault.UNREADABLE, f"HTTP {answer.status}")
        try:
            return HiveLease.model_validate(answer.json())
        except ValidationError as error:
            raise PeerError(PeerFault.UNREADABLE, f"{error.error_count()} fields of its lease are invalid") from None

    async def spawn(self, hive: HiveEntry, order: Mapping[str, Any]) -> WorkerRow:
        """Spawn a worker on that hive."""
        return await self._row(hive, "POST", "/v1/workers", order)

    async def stop(self, hive: HiveEntry, worker_id: str, *, force: bool) -> WorkerRow:
        """Stop a worker; `force` kills it."""
        query = "?force=true" if force else ""
        return await self._row(hive, "DELETE", f"/v1/workers/{worker_id}{query}")

    async def restart(self, hive: HiveEntry, worker_id: str) -> WorkerRow:
        """Stop a worker and start it again under the same id."""
        return await self._row(hive, "POST", f"/v1/workers/{worker_id}/restart")

    async def cancel(self, hive: HiveEntry, request_id: str) -> bool:
        """Cancel a request there; return whether the hive answered."""
        try:
            answer = await self._client.call("DELETE", f"{hive.lease.url}/v1/requests/{request_id}")
        except PeerError:
            return False
        return answer.ok

    async def shut_down(self, hive: HiveEntry) -> bool:
        """Ask the hive to stop with its workers; return whether it accepted."""
        try:
            body = {"scope": "self"}
            answer = await self._call(hive, "POST", "/v1/shutdown", body, self._durations.probe_timeout_ms)
        except PeerError as error:
            log.warning("hive_shutdown_not_told", hive_id=hive.hive_id, fault=error.fault.value)
            return False
        return answer.ok

    async def answers(self, hive: HiveEntry) -> bool:
        """Return whether anything still listens at the hive's address."""
        try:
            await self._client.call("GET", f"{hive.lease.url}/health")
        except PeerError as error:
            return error.fault is not PeerFault.REFUSED
        return True

    async def _row(self, hive: HiveEntry, method: str, path: str, body: object = None) -> WorkerRow:
        try:
            answer = await self._call(hive, method, path, body, self._durations.deadline_ms)
            if not answer.ok:
                raise foreign_error(answer)
            return WorkerRow.model_validate(answer.json())
        except PeerError as error:
            log.warning("hive_call_failed", hive_id=hive.hive_id, method=method, fault=error.fault.value)
            raise unreachable(hive.hive_id, error.fault) from None
        except ValidationError as error:
            log.warning("hive_answer_unreadable", hive_id=hive.hive_id, method=method, problems=error.error_count())
            raise unreachable(hive.hive_id, PeerFault.UNREADABLE) from None

    async def _call(self, hive: HiveEntry, method: str, path: str, body: object, timeout_ms: int) -> Answer:
        """Call once, and again only while the connection is refused."""
        url = f"{hive.lease.url}{path}"
        *early, last = CONNECT_PAUSES_S
        for pause_s in early:
            await asyncio.sleep(pause_s)
            try:
                return await self._client.call(method, url, json_body=body, timeout_ms=timeout_ms)
            except PeerError as error:
                if error.fault is not PeerFault.REFUSED:
                    raise
        await asyncio.sleep(last)
        return await self._client.call(method, url, json_body=body, timeout_ms=timeout_ms)


class _ForeignError(BaseModel):
    """An error answer of a hive, in the shape that all daemons share."""

    class Fields(BaseModel):
        code: ErrorCode
        message: str
        details: dict[str, Any] = {}

    error: Fields


def foreign_error(answer: Answer) -> ApiError:
    """Return the error of a hive as this queen passes it on: its code, message and details."""
    try:
        fields = _ForeignError.model_validate(answer.json()).error
    except (PeerError, ValidationError):
        return ApiError(ErrorCode.HIVE_UNREACHABLE, f"the hive answered {answer.status} in an unknown shape")
    return ApiError(fields.code, fields.message, details=fields.details)


def unreachable(hive_id: str, fault: PeerFault) -> ApiError:
    """Return the 502 for a hive that did not answer."""
    details = {"hive_id": hive_id, "fault": fault.value}
    return ApiError(ErrorCode.HIVE_UNREACHABLE, f"hive {hive_id} did not answer ({fault.value})", details=details)
