"""The closed list of codes, and the one shape."""

from __future__ import annotations

import json

import pytest

from daemons.common.errors import FACTS, ApiError, ErrorCode, code_of
from daemons.common.inflight import EndReason


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_its_facts(code):
    assert set(FACTS) == set(ErrorCode)
    assert 400 <= code.status <= 599
    retry = ApiError(code, "x").headers().get("retry-after")
    assert (retry is not None) == (code.status in (429, 502, 503)), "what may pass soon says when to come back"


def test_the_shape():
    error = ApiError(ErrorCode.BUSY, "full", details={"slots_total": 2})
    assert error.body("abc") == {
        "error": {
            "code": "busy",
            "type": "busy",
            "message": "full",
            "request_id": "abc",
            "details": {"slots_total": 2},
        }
    }


def test_a_chunk_is_one_event_with_the_same_shape():
    error = ApiError(ErrorCode.WORKER_LOST, "l\u00f6st\n\n")
    chunk = error.chunk("abc")
    assert chunk.count(b"\n\n") == 1
    assert json.loads(chunk.removeprefix(b"data: ")) == error.body("abc")


def test_retry_after_can_be_said():
    assert ApiError(ErrorCode.BUSY, "x", retry_after_s=7).headers() == {"retry-after": "7"}


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"error": 1}', b'{"error": {"code": "other"}}', b"<html>"])
def test_a_foreign_body_has_no_code_of_ours(body):
    assert code_of(body) is None


def test_our_own_body_has():
    assert code_of(json.dumps(ApiError(ErrorCode.STALLED, "x").body("a")).encode()) is ErrorCode.STALLED


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_reason_to_end_a_request_has_an_answer(reason):
    assert reason.error().code in ErrorCode
