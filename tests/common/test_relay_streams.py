"""Streams through the relay: bytes as they are, and an honest end whatever happens upstream."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from daemons.common.client import PeerFault
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.inflight import EndReason
from daemons.common.targets import Verdict

pytestmark = pytest.mark.anyio
DONE = b"data: [DONE]\n\n"


def error_of(body: bytes) -> dict[str, object]:
    """The error chunk that must be the last event; there must be one, and no [DONE]."""
    events = body.split(b"\n\n")
    assert events[-1] == b""
    assert b"[DONE]" not in body
    assert body.count(b'"error"') == 1, body
    return json.loads(events[-2].removeprefix(b"data: "))["error"]


async def test_bytes_come_through_as_they_are_however_they_are_cut(net, client):
    whole = net.event("bl\u00fcte") + net.event("\u8702") + b": a comment\r\n\r\n" + DONE

    async def byte_by_byte(request):
        await request.begin_stream()
        for n in range(len(whole)):
            await request.chunk(whole[n : n + 1])
        await request.end_stream()

    async with net.serve(byte_by_byte) as upstream, net.relay_to(upstream.url) as relay:
        answer = await client.ask(relay.url, stream=True, headers={"x-request-id": "abc"})
    assert answer.content == whole
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-request-id"] == "abc"
    assert upstream.requests[0].headers["x-request-id"] == "abc"
    assert upstream.requests[0].headers["x-worker-id"] == "wrk-0"
    assert relay.router.told[0][1].verdict is Verdict.SERVED
    assert relay.outcomes() == {"served": 1}


async def test_each_event_is_passed_on_when_it_is_made(net, client):
    passed_on = asyncio.Event()

    async def wait_for_the_client(request):
        await request.begin_stream()
        await request.chunk(net.event("one"))
        await passed_on.wait()
        await request.chunk(DONE)
        await request.end_stream()

    async with (
        net.serve(wait_for_the_client) as upstream,
        net.relay_to(upstream.url) as relay,
        client.stream(relay.url) as answer,
    ):
        parts = answer.aiter_raw()
        assert await anext(parts) == net.event("one")
        passed_on.set()
        assert await anext(parts) == DONE


@pytest.mark.parametrize("how", ["reset", "closed", "ended without [DONE]"])
async def test_a_stream_that_breaks_ends_with_one_error_chunk(net, client, how):
    broke_at = 0.0

    async def break_in_the_middle(request):
        nonlocal broke_at
        await request.begin_stream()
        await request.chunk(net.event("one"))
        await request.chunk(b'data: {"half')
        await asyncio.sleep(0.05)
        broke_at = time.monotonic()
        if how == "reset":
            request.break_off()
        elif how == "ended without [DONE]":
            await request.end_stream()

    async with net.serve(break_in_the_middle) as upstream, net.relay_to(upstream.url, upstream.url) as relay:
        answer = await client.ask(relay.url, stream=True, headers={"x-request-id": "abc"})
        told_after = time.monotonic() - broke_at
    assert answer.content.startswith(net.event("one"))
    assert b"half" not in answer.content
    error = error_of(answer.content)
    assert (error["code"], error["request_id"]) == ("worker_lost", "abc")
    assert told_after < 0.2
    assert len(upstream.requests) == 1, "after the first byte nothing is tried again"
    assert relay.router.told[0][1].verdict is Verdict.BROKE
    assert relay.router.told[0][1].fault is PeerFault.LOST
    assert relay.outcomes() == {"error": 1}


async def test_an_error_chunk_from_upstream_is_passed_on_and_not_doubled(net, client):
    chunk = ApiError(ErrorCode.OUT_OF_MEMORY, "too large").chunk("abc")

    async def tell_of_an_error(request):
        await request.begin_stream()
        await request.chunk(net.event("one") + chunk)
        await request.end_stream()

    async with net.serve(tell_of_an_error) as upstream, net.relay_to(upstream.url) as relay:
        answer = await client.ask(relay.url, stream=True)
    assert answer.content == net.event("one") + chunk
    assert relay.router.told[0][1].verdict is Verdict.REFUSED
    assert relay.router.told[0][1].code is ErrorCode.OUT_OF_MEMORY
    assert relay.outcomes() == {"error": 1}


async def test_silence_between_tokens_is_bounded(net, client):
    async def fall_silent(request):
        await request.begin_stream()
        await request.chunk(net.event("one"))
        assert await request.closed_by_peer()

    async with net.serve(fall_silent) as upstream, net.relay_to(upstream.url) as relay:
        began = time.monotonic()
        answer = await client.ask(relay.url, stream=True)
    assert error_of(answer.content)["code"] == "stalled"
    assert 0.3 <= time.monotonic() - began < 0.8
    assert relay.router.told[0][1].verdict is Verdict.BROKE


async def test_silence_before_the_first_token_is_bounded(net, client):
    async def say_nothing(request):
        assert await request.closed_by_peer()

    async with net.serve(say_nothing) as upstream, net.relay_to(upstream.url) as relay:
        answer = await client.ask(relay.url, stream=True)
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "stalled"
    assert relay.router.told[0][1].code is ErrorCode.STALLED


async def test_a_reader_who_pauses_is_no_stalled_worker(net, client):
    big = net.event("x" * 300_000)

    async def send_much(request):
        await request.begin_stream()
        for _ in range(20):
            await request.chunk(big)
        await request.chunk(DONE)
        await request.end_stream()

    async with (
        net.serve(send_much) as upstream,
        net.relay_to(upstream.url) as relay,
        client.stream(relay.url) as answer,
    ):
        parts = answer.aiter_raw()
        got = len(await anext(parts))
        await asyncio.sleep(2 * net.durations.between_tokens_ms / 1000)
        got += sum([len(part) async for part in parts])
    assert got == 20 * len(big) + len(DONE)
    assert relay.outcomes() == {"served": 1}


async def test_a_hang_up_closes_the_upstream_and_frees_the_request(net, client):
    closed = asyncio.Event()

    async def stream_until_closed(request):
        await request.begin_stream()
        await request.chunk(net.event("one"))
        assert await request.closed_by_peer()
        closed.set()

    async with net.serve(stream_until_closed) as upstream, net.relay_to(upstream.url) as relay:
        async with client.stream(relay.url) as answer:
            parts = answer.aiter_raw()
            assert await anext(parts)
            assert len(relay.inflight) == 1
        async with asyncio.timeout(0.25):  # sooner than the stall bound would do it
            await closed.wait()
            assert await relay.inflight.wait_empty(0.2)
    assert relay.outcomes() == {"client_gone": 1}
    assert relay.router.told[0][1].verdict is Verdict.ENDED


@pytest.mark.parametrize("how", ["DELETE", "drain"])
async def test_an_ended_stream_says_why_and_closes_its_upstream(net, client, how):
    closed = asyncio.Event()

    async def stream_until_closed(request):
        await request.begin_stream()
        await request.chunk(net.event("one"))
        assert await request.closed_by_peer()
        closed.set()

    async with (
        net.serve(stream_until_closed) as upstream,
        net.relay_to(upstream.url) as relay,
        client.stream(relay.url, {"x-request-id": "abc"}) as answer,
    ):
        parts = answer.aiter_raw()
        body = await anext(parts)
        if how == "DELETE":
            assert (await client.http.delete(f"{relay.url}/v1/requests/abc")).status_code == 204
        else:
            assert relay.inflight.end_all(EndReason.DRAINING) == 1
        body += b"".join([part async for part in parts])
        async with asyncio.timeout(0.25):
            await closed.wait()
        assert (await client.http.delete(f"{relay.url}/v1/requests/abc")).status_code == 204, "also when repeated"
    assert error_of(body)["code"] == {"DELETE": "cancelled", "drain": "draining"}[how]
    assert relay.outcomes() == {{"DELETE": "cancelled", "drain": "error"}[how]: 1}


async def test_the_deadline_ends_a_stream(net, client):
    async def stream_for_ever(request):
        await request.begin_stream()
        while True:
            await request.chunk(net.event("more"))
            await asyncio.sleep(0.02)

    async with net.serve(stream_for_ever) as upstream, net.relay_to(upstream.url) as relay:
        began = time.monotonic()
        answer = await client.ask(relay.url, stream=True, headers={"x-deadline-ms": "250"})
    assert error_of(answer.content)["code"] == "deadline_exceeded"
    assert 0.24 <= time.monotonic() - began < 0.6
    assert relay.router.told[0][1].verdict is Verdict.ENDED
