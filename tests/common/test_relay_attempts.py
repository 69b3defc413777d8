"""What the relay tries before the first byte, what it tells its client, and what it hands on."""

from __future__ import annotations

import asyncio
import json
import socket
import time

import httpx
import pytest

from daemons.common.client import PeerFault
from daemons.common.completions import CHAT_PATH
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.targets import Verdict

pytestmark = pytest.mark.anyio
WHOLE = b'{"choices": [{"message": {"content": "bl\xc3\xbcte"}}]}'


@pytest.fixture
def dead_url():
    """Where nobody listens."""
    with socket.socket() as held:  # bound and not listening: nobody else gets the port meanwhile
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}{CHAT_PATH}"


async def serve_whole(request):
    await request.answer(200, WHOLE, "x-worker-id: wrk-7")


async def hang_up(request):
    request.writer.close()


async def cut_short(request):
    await request.answer(200, WHOLE[:10], content_length=len(WHOLE))


async def foreign_page(request):
    await request.answer(500, b"<html>10.1.2.3 fell over</html>")


def refusing(code: ErrorCode):
    async def refuse(request):
        error = ApiError(code, "no")
        await request.answer(error.status, json.dumps(error.body("up")).encode(), "retry-after: 1")

    return refuse


async def test_a_whole_answer_is_passed_on_as_it_is(net, client):
    async with net.serve(serve_whole) as upstream, net.relay_to(upstream.url) as relay:
        answer = await client.ask(relay.url)
    assert (answer.status_code, answer.content) == (200, WHOLE)
    assert answer.headers["x-worker-id"] == "wrk-7"
    assert json.loads(upstream.requests[0].body)["messages"] == [{"role": "user", "content": "hi"}]
    assert relay.outcomes() == {"served": 1}


@pytest.mark.parametrize("failing", [hang_up, cut_short, foreign_page], ids=lambda f: f.__name__)
async def test_another_target_serves_what_the_first_one_could_not(net, client, failing):
    async with net.serve(failing) as bad, net.serve(serve_whole) as good, net.relay_to(bad.url, good.url) as relay:
        answer = await client.ask(relay.url)
    assert (answer.status_code, answer.content) == (200, WHOLE)
    assert [(label, attempt.verdict) for label, attempt in relay.router.told] == [
        ("target-0", Verdict.UNREACHABLE),
        ("target-1", Verdict.SERVED),
    ]


async def test_a_refused_connection_is_told_as_such(net, client, dead_url):
    async with net.serve(serve_whole) as good, net.relay_to(dead_url, good.url) as relay:
        assert (await client.ask(relay.url)).status_code == 200
    assert relay.router.told[0][1].fault is PeerFault.REFUSED


async def test_nobody_is_tried_after_two_retries(net, client, dead_url):
    async with net.serve(serve_whole) as good, net.relay_to(dead_url, dead_url, dead_url, good.url) as relay:
        answer = await client.ask(relay.url, headers={"x-request-id": "abc"})
    assert good.requests == []
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["request_id"]) == (502, "worker_lost", "abc")
    assert answer.headers["retry-after"] == "1"
    assert len(relay.router.told) == 3
    assert relay.outcomes() == {"error": 1}


async def test_a_foreign_error_page_never_reaches_the_client(net, client):
    async with net.serve(foreign_page) as bad, net.relay_to(bad.url) as relay:
        answer = await client.ask(relay.url)
    assert answer.status_code == 502
    assert "10.1.2.3" not in answer.text


async def test_when_nobody_else_is_left_the_client_is_told_of_the_failure(net, client, dead_url):
    async with net.relay_to(dead_url) as relay:
        answer = await client.ask(relay.url)
    assert answer.json()["error"]["code"] == "worker_lost"


async def test_nobody_at_all_is_the_routes_own_answer(net, client):
    async with net.relay_to() as relay:
        answer = await client.ask(relay.url)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert relay.outcomes() == {"rejected": 1}


@pytest.mark.parametrize("code", [ErrorCode.BUSY, ErrorCode.DRAINING, ErrorCode.STARTING, ErrorCode.WORKER_NOT_FOUND])
async def test_not_here_not_now_is_tried_elsewhere(net, client, code):
    async with (
        net.serve(refusing(code)) as bad,
        net.serve(serve_whole) as good,
        net.relay_to(bad.url, good.url) as relay,
    ):
        assert (await client.ask(relay.url)).status_code == 200
    assert relay.router.told[0][1].verdict is Verdict.REFUSED
    assert relay.router.told[0][1].code is code


async def test_busy_everywhere_is_passed_on_with_its_advice(net, client):
    async with net.serve(refusing(ErrorCode.BUSY)) as bad, net.relay_to(bad.url, bad.url) as relay:
        answer = await client.ask(relay.url)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert len(bad.requests) == 2
    assert relay.outcomes() == {"rejected": 1}


@pytest.mark.parametrize(
    "code", [ErrorCode.VALIDATION_FAILED, ErrorCode.DUPLICATE_REQUEST, ErrorCode.DEADLINE_EXCEEDED]
)
async def test_what_is_about_the_request_is_not_tried_elsewhere(net, client, code):
    async with (
        net.serve(refusing(code)) as bad,
        net.serve(serve_whole) as good,
        net.relay_to(bad.url, good.url) as relay,
    ):
        answer = await client.ask(relay.url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (code.status, code)
    assert good.requests == []


async def test_a_connection_that_never_opens_is_bounded(net, client):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(3)]  # the backlog is full: further SYNs are dropped
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        async with net.relay_to(f"http://127.0.0.1:{address[1]}{CHAT_PATH}") as relay:
            began = time.monotonic()
            answer = await client.ask(relay.url)
        for filler in fillers:
            filler.close()
    assert answer.status_code == 502
    assert time.monotonic() - began < 1.5
    assert relay.router.told[0][1].fault is PeerFault.TIMED_OUT


async def test_a_restarted_upstream_on_the_same_port_does_not_look_lost(net, client):
    async with net.serve(serve_whole) as first, net.relay_to(first.url) as relay:
        assert (await client.ask(relay.url)).status_code == 200
    port = httpx.URL(first.url).port
    async with net.relay_to(first.url) as relay:
        for _ in range(3):
            async with net.serve(serve_whole, port=port):
                assert (await client.ask(relay.url)).status_code == 200
                assert relay.router.told[0][1].verdict is Verdict.SERVED


async def test_the_deadline_is_handed_on_reduced(net, client):
    async with net.serve(serve_whole) as upstream, net.relay_to(upstream.url) as relay:
        await client.ask(relay.url, headers={"x-deadline-ms": "5000"})
        await client.ask(relay.url)
    given, default = (int(request.headers["x-deadline-ms"]) for request in upstream.requests)
    assert 4000 < given < 5000
    assert 2000 < default < net.durations.deadline_ms


@pytest.mark.parametrize("value", ["soon", "-1", "1.5", "", "99999999999", "\u0663".encode()])
async def test_a_deadline_that_is_no_number_is_refused(net, client, value):
    async with net.serve(serve_whole) as upstream, net.relay_to(upstream.url) as relay:
        answer = await client.ask(
            relay.url, headers={b"x-deadline-ms": value if isinstance(value, bytes) else value.encode()}
        )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert upstream.requests == []


async def test_the_deadline_ends_an_answer_that_is_not_streamed(net, client):
    async def think(request):
        assert await request.closed_by_peer()

    async with net.serve(think) as upstream, net.relay_to(upstream.url) as relay:
        began = time.monotonic()
        late = await client.ask(relay.url, headers={"x-deadline-ms": "600"})
        assert 0.55 < time.monotonic() - began < 1, "the stall bounds are for streams"
        none_left = await client.ask(relay.url, headers={"x-deadline-ms": "0"})
    for answer in (late, none_left):
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline_exceeded")


async def test_a_hang_up_ends_an_answer_that_is_not_streamed(net, client):
    closed = asyncio.Event()

    async def think(request):
        assert await request.closed_by_peer()
        closed.set()

    async with net.serve(think) as upstream, net.relay_to(upstream.url) as relay:
        with pytest.raises(httpx.ReadTimeout):
            await client.http.post(relay.url + CHAT_PATH, json={"model": "m", "messages": [{"role": "u"}]}, timeout=0.1)
        async with asyncio.timeout(0.5):
            await closed.wait()
            assert await relay.inflight.wait_empty(0.2)
    assert relay.outcomes() == {"client_gone": 1}


async def test_an_id_that_runs_already_is_refused(net, client):
    began = asyncio.Event()

    async def think(request):
        began.set()
        await request.closed_by_peer()

    async with net.serve(think) as upstream, net.relay_to(upstream.url) as relay, asyncio.TaskGroup() as group:
        first = group.create_task(client.ask(relay.url, headers={"x-request-id": "a", "x-deadline-ms": "400"}))
        await began.wait()
        second = await client.ask(relay.url, headers={"x-request-id": "a"})
    assert (second.status_code, second.json()["error"]["code"]) == (409, "duplicate_request")
    assert first.result().status_code == 504
