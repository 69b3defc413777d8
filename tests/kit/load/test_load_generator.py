"""The generator against a server of a few lines: what it sends, what it counts, and that it stops by itself."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from aiohttp import web

from beehave.load.generator import STARTED, run
from beehave.load.plan import LoadPlan, Pace
from beehave.load.result import LoadResult

WHOLE = {"choices": [{"message": {"content": " bee"}}]}


class Server:
    """Answers as told, on a loop in a thread, and keeps from where and when it was asked."""

    def __init__(self, answer):
        self._answer = answer
        self.peers: list[str] = []
        self.ids: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(5)
        host, port = self._runner.addresses[0]
        self.url = f"http://{host}:{port}/"

    def close(self):
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _start(self):
        app = web.Application()
        app.router.add_post("/", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    async def _handle(self, request):
        self.peers.append(request.remote)
        self.ids.append(request.headers["X-Request-Id"])
        return await self._answer(request)


@pytest.fixture
def serve():
    servers = []

    def start(answer):
        servers.append(Server(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


async def answer_whole(_request):
    return web.json_response(WHOLE)


def plan(tmp_path, url, **fields) -> LoadPlan:
    given = {"body": {"max_tokens": 1}, "count": 20, "rate_per_s": 200, "timeout_s": 5}
    return LoadPlan(url=url, result_path=tmp_path / "result.json", **(given | fields))


@pytest.mark.parametrize("pace", [Pace.CONSTANT, Pace.POISSON])
def test_every_request_is_sent_once_with_an_id_of_its_own_and_answered(tmp_path, serve, pace):
    server = serve(answer_whole)
    found = run(plan(tmp_path, server.url, pace=pace))
    assert (found.answered, found.errors, found.complete) == (20, {}, True)
    assert (found.latency.n, found.lag.n) == (20, 20)
    assert len(set(server.ids)) == 20
    assert LoadResult.model_validate_json((tmp_path / "result.json").read_bytes()) == found


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_it_dials_from_its_own_address(tmp_path, serve):
    server = serve(answer_whole)
    run(plan(tmp_path, server.url, source_host="127.1.201.1"))
    assert set(server.peers) == {"127.1.201.1"}


def test_a_server_that_stalls_does_not_slow_the_schedule_down_and_its_stall_is_in_every_latency(tmp_path, serve):
    until = time.monotonic() + 1.0

    async def stall(request):
        await asyncio.sleep(max(0.0, until - time.monotonic()))
        return await answer_whole(request)

    found = run(plan(tmp_path, serve(stall).url, count=50, rate_per_s=100))
    assert found.answered == 50
    assert found.in_flight_max == 50  # all were sent although none was answered: an open loop
    assert found.latency.p50_ms > 250


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {}, "200 without a completion"),
        (200, {"choices": []}, "200 without a completion"),
        (503, {"error": {"code": "no_worker_available"}}, "503 no_worker_available"),
        (404, "not found", "404 without a code"),
    ],
)
def test_a_quick_error_is_a_sample_as_long_as_the_timeout(tmp_path, serve, status, body, kind):
    async def refuse(_request):
        return web.json_response(body, status=status)

    found = run(plan(tmp_path, serve(refuse).url))
    assert (found.answered, found.errors) == (0, {kind: 20})
    assert (found.latency.n, found.latency.p50_ms) == (20, pytest.approx(5000, rel=0.001))


def test_a_timeout_is_a_sample(tmp_path, serve):
    async def never(_request):
        await asyncio.sleep(10)

    found = run(plan(tmp_path, serve(never).url, count=3, timeout_s=0.2))
    assert found.errors == {"no answer in time": 3}
    assert found.late_or_cut_off == found.errors
    assert found.latency.n == 3


def test_a_connection_error_is_a_sample(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = run(plan(tmp_path, f"http://127.0.0.1:{closed.getsockname()[1]}/", count=3))
    assert found.errors == {"connection: ClientConnectorError": 3}
    assert found.late_or_cut_off == found.errors
    assert found.latency.n == 3


def event(**delta: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n"


@pytest.mark.parametrize(
    ("pieces", "errors"),
    [
        ([event(content=" a"), event(content=" ü"), event(), b"data: [DONE]\n\n"], {}),
        ([event(content=" a"), event(content=" b")], {"stream without [DONE]": 1}),
        ([event(content=" a"), b"data: [DONE]\n\n"], {"stream of 1 tokens": 1}),
        ([event(content=" a"), b'data: {"error": {"code": "worker_lost"}}\n\n'], {"stream broken by worker_lost": 1}),
    ],
)
def test_a_stream_counts_only_when_it_is_whole(tmp_path, serve, pieces, errors):
    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0.05)
        return response

    body = {"stream": True, "max_tokens": 2}
    found = run(plan(tmp_path, serve(stream).url, body=body, count=1))
    assert found.errors == errors
    assert found.answered == 1 - len(errors)
    assert found.first_token.n == 1
    if not errors:
        assert found.tokens == 2
        assert found.between_tokens.mean_ms > 45


def test_a_closed_loop_sends_after_each_answer_and_stops_when_its_time_is_over(tmp_path, serve):
    async def slow(request):
        await asyncio.sleep(0.1)
        return await answer_whole(request)

    found = run(plan(tmp_path, serve(slow).url, pace=Pace.CLOSED, count=1000, rate_per_s=2000))
    assert found.in_flight_max == 1
    assert found.answered == found.planned <= 6


def start(tmp_path, config: LoadPlan | None) -> subprocess.Popen[str]:
    path = tmp_path / "plan.json"
    if config is not None:
        path.write_text(config.model_dump_json())
    command = [sys.executable, "-m", "beehave.load", "--config", str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_command_prints_its_result_in_words(tmp_path, serve):
    output, _ = (process := start(tmp_path, plan(tmp_path, serve(answer_whole).url))).communicate(timeout=20)
    assert process.returncode == 0
    assert output.splitlines()[0] == STARTED
    assert "20 answers to 20 requests on a constant schedule of 200.0/s" in output


def test_sigterm_ends_it_in_order_with_what_it_has(tmp_path, serve):
    process = start(tmp_path, plan(tmp_path, serve(answer_whole).url, count=10_000, rate_per_s=50))
    assert process.stdout.readline().strip() == STARTED
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0
    found = LoadResult.model_validate_json((tmp_path / "result.json").read_bytes())
    assert not found.complete
    assert found.answered < 10_000


def test_a_plan_that_cannot_be_read_is_status_2_and_one_sentence(tmp_path):
    _, complaint = (process := start(tmp_path, None)).communicate(timeout=20)
    assert process.returncode == 2
    assert "cannot read the plan plan.json" in complaint


def test_a_plan_is_bounded_in_count(tmp_path):
    with pytest.raises(ValueError, match="less than or equal to 100000"):
        plan(tmp_path, "http://127.0.0.1/", count=100_001)
