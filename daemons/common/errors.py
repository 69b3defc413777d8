"""The closed list of error codes and the one shape in which every daemon answers an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from daemons.common.logs import current_request_id

RETRY_AFTER_S = 1
"""What Retry-After advises: every fault that carries it is either over within a second (a slot, a restart, another
worker) or will be refused again at no cost."""


class ErrorCode(StrEnum):
    """The error codes, for programs. `FACTS` has the status, the type and whether a retry makes sense."""

    VALIDATION_FAILED = "validation_failed"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    WORKER_NOT_FOUND = "worker_not_found"
    HIVE_NOT_FOUND = "hive_not_found"
    MODEL_NOT_FOUND = "model_not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    WORKER_EXISTS = "worker_exists"
    DUPLICATE_REQUEST = "duplicate_request"
    MODEL_IN_USE = "model_in_use"
    VERSION_MISMATCH = "version_mismatch"
    LEASE_GONE = "lease_gone"
    BODY_TOO_LARGE = "body_too_large"
    BUSY = "busy"
    CANCELLED = "cancelled"
    INTERNAL = "internal"
    WORKER_LOST = "worker_lost"
    HIVE_UNREACHABLE = "hive_unreachable"
    HUB_UNAVAILABLE = "hub_unavailable"
    DOWNLOAD_FAILED = "download_failed"
    NO_WORKER_AVAILABLE = "no_worker_available"
    DRAINING = "draining"
    STARTING = "starting"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    STALLED = "stalled"
    OUT_OF_MEMORY = "out_of_memory"
    STORAGE_FULL = "storage_full"

    @property
    def status(self) -> int:
        """The HTTP status of this code."""
        return FACTS[self].status

    @property
    def type(self) -> str:
        """The family of this code, in `error.type`."""
        return FACTS[self].type


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """Status, type and retry of one code."""

    status: int
    type: str
    retry: bool = False
    """Whether the answer carries Retry-After."""


FACTS: Mapping[ErrorCode, CodeFacts] = {
    ErrorCode.VALIDATION_FAILED: CodeFacts(400, "invalid_request"),
    ErrorCode.BAD_REQUEST: CodeFacts(400, "invalid_request"),
    ErrorCode.NOT_FOUND: CodeFacts(404, "not_found"),
    ErrorCode.WORKER_NOT_FOUND: CodeFacts(404, "not_found"),
    ErrorCode.HIVE_NOT_FOUND: CodeFacts(404, "not_found"),
    ErrorCode.MODEL_NOT_FOUND: CodeFacts(404, "not_found"),
    ErrorCode.METHOD_NOT_ALLOWED: CodeFacts(405, "invalid_request"),
    ErrorCode.WORKER_EXISTS: CodeFacts(409, "conflict"),
    ErrorCode.DUPLICATE_REQUEST: CodeFacts(409, "conflict"),
    ErrorCode.MODEL_IN_USE: CodeFacts(409, "conflict"),
    ErrorCode.VERSION_MISMATCH: CodeFacts(409, "conflict"),
    ErrorCode.LEASE_GONE: CodeFacts(410, "gone"),
    ErrorCode.BODY_TOO_LARGE: CodeFacts(413, "invalid_request"),
    ErrorCode.BUSY: CodeFacts(429, "busy", retry=True),
    ErrorCode.CANCELLED: CodeFacts(499, "cancelled"),
    ErrorCode.INTERNAL: CodeFacts(500, "internal"),
    ErrorCode.WORKER_LOST: CodeFacts(502, "upstream", retry=True),
    ErrorCode.HIVE_UNREACHABLE: CodeFacts(502, "upstream", retry=True),
    ErrorCode.HUB_UNAVAILABLE: CodeFacts(502, "upstream", retry=True),
    ErrorCode.DOWNLOAD_FAILED: CodeFacts(502, "upstream", retry=True),
    ErrorCode.NO_WORKER_AVAILABLE: CodeFacts(503, "unavailable", retry=True),
    ErrorCode.DRAINING: CodeFacts(503, "unavailable", retry=True),
    ErrorCode.STARTING: CodeFacts(503, "unavailable", retry=True),
    ErrorCode.DEADLINE_EXCEEDED: CodeFacts(504, "timeout"),
    ErrorCode.STALLED: CodeFacts(504, "timeout"),
    ErrorCode.OUT_OF_MEMORY: CodeFacts(507, "insufficient_resources"),
    ErrorCode.STORAGE_FULL: CodeFacts(507, "insufficient_resources"),
}


class ApiError(Exception):
    """An error answer. `message` is for people and must not contain a token, a host path or a client's data."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.retry_after_s = retry_after_s if retry_after_s is not None or not FACTS[code].retry else RETRY_AFTER_S

    @property
    def status(self) -> int:
        """The HTTP status to answer with."""
        return self.code.status

    def body(self, request_id: str | None = None) -> dict[str, Any]:
        """Return the JSON object of the answer; the request's id is the current one unless given."""
        return {
            "error": {
                "code": str(self.code),
                "type": self.code.type,
                "message": self.message,
                "request_id": request_id or current_request_id(),
                "details": self.details,
            }
        }

    def headers(self) -> dict[str, str]:
        """Return the headers beyond the content's own: Retry-After where a retry makes sense."""
        return {} if self.retry_after_s is None else {"retry-after": str(self.retry_after_s)}

    def chunk(self, request_id: str | None = None) -> bytes:
        """Return the last event of a stream that breaks after its first byte: an error, without `[DONE]` after it."""
        return b"data: " + dump_json(self.body(request_id)) + b"\n\n"


def dump_json(value: object) -> bytes:
    """Return compact UTF-8 JSON, as every daemon sends it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def code_of(body: bytes) -> ErrorCode | None:
    """Return the code of an error answer; None when the body has another shape (the page of a foreign server)."""
    try:
        return ErrorCode(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return None
