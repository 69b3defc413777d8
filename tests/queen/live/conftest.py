"""A queen that serves on a real socket inside the test, and hives that speak real HTTP and misbehave on request."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest
from aiohttp import web

from daemons.common.config import Listen
from daemons.common.daemon import Address, Life
from daemons.common.durations import Durations
from daemons.common.http_server import HttpServer
from daemons.common.serve import bind
from daemons.queen.app import create_app
from daemons.queen.config import QueenConfig
from daemons.queen.queen import Queen
from daemons.queen.store import make_data_folder

BODY = {"model": "tiny:1b", "messages": [{"role": "user", "content": "hello"}]}
DURATIONS = {
    "heartbeat_ms": 200,
    "lease_ms": 600,
    "orphan_grace_ms": 600,
    "probe_ms": 150,
    "probe_timeout_ms": 1000,
    "connect_ms": 500,
    "mark_down_ms": 5000,
    "deadline_ms": 5000,
    "flush_timeout_ms": 200,
}


@dataclass
class FakeWorker:
    """One worker of a fake hive: how it behaves, and whom it served."""

    worker_id: str
    instance: str = "i1"
    state: str = "ready"
    slots: int = 8
    behaviour: str = "serve"
    served: list = field(default_factory=list)
    busy: int = 0


class FakeHive:
    """Serves what a hive serves, with real sockets; each worker's `behaviour` says how it answers."""

    def __init__(self, hive_id, queen_url, *worker_ids, instance="1"):
        self.hive_id = hive_id
        self.queen_url = queen_url
        self.instance = f"{hive_id}-{instance}"
        self.sequence = 0
        self.workers = {worker_id: FakeWorker(worker_id) for worker_id in worker_ids}
        self.departed = []
        self.state = "ready"
        self.heartbeats = None
        self.probe_status = 200
        self.lost_workers = set()  # named in the picture, and unknown to the hive itself
        self.asked = []
        self.cancelled = []
        self.release = asyncio.Event()
        self.client = httpx.AsyncClient(verify=False)  # an SSL context costs 30 ms, and nothing here is encrypted
        self.url = None
        self.port = 0

    async def listen(self):
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self.infer)
        app.router.add_post("/v1/completions", self.infer)
        app.router.add_get("/v1/lease", self.pulled)
        app.router.add_get("/health", self.health)
        app.router.add_post("/v1/workers", self.spawn)
        app.router.add_delete("/v1/workers/{id}", self.stop)
        app.router.add_post("/v1/workers/{id}/restart", self.restart)
        app.router.add_delete("/v1/requests/{id}", self.cancel)
        app.router.add_post("/v1/shutdown", self.shutdown)
        self.runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def close(self):
        """Gone: nothing listens, no lease comes."""
        self.fall_silent()
        if self.heartbeats:
            await asyncio.wait([self.heartbeats])
        self.release.set()
        await self.client.aclose()
        await self.runner.cleanup()

    # --- words upward ---

    def picture(self):
        self.sequence += 1
        rows = [
            {
                "id": each.worker_id,
                "instance": each.instance,
                "state": each.state,
                "model": "tiny:1b",
                "pid": 4711,
                "slots_total": each.slots,
                "slots_busy": each.busy,
                "served_total": len(each.served),
            }
            for each in self.workers.values()
        ]
        return {
            "instance": self.instance,
            "sequence": self.sequence,
            "url": self.url,
            "version": "0.1.0",
            "pid": 1,
            "start_ticks": 0,
            "state": self.state,
            "workers": rows,
            "departed": self.departed,
            "models": [{"ref": "tiny:1b", "size_bytes": 3, "sha256": "ab"}],
            "resources": {"cpus": 1, "memory_total_bytes": 2, "memory_available_bytes": 1},
        }

    async def lease(self):
        return await self.client.put(f"{self.queen_url}/v1/hives/{self.hive_id}/lease", json=self.picture())

    async def beat(self):
        """Lease once, and then at each heartbeat until told to fall silent."""
        answer = await self.lease()
        assert answer.status_code == 200, answer.text

        async def keep_beating():
            while True:
                await asyncio.sleep(DURATIONS["heartbeat_ms"] / 1000)
                with suppress(httpx.HTTPError):
                    await self.lease()

        self.heartbeats = asyncio.create_task(keep_beating())

    def fall_silent(self):
        if self.heartbeats:
            self.heartbeats.cancel()

    # --- what the queen asks ---

    async def pulled(self, request):
        return web.json_response(self.picture() if self.probe_status == 200 else {}, status=self.probe_status)

    async def health(self, request):
        return web.json_response({"status": "ok"})

    async def spawn(self, request):
        order = await request.json()
        self.asked.append(("spawn", order))
        await asyncio.sleep(0.02)
        worker_id = order.get("id") or f"wrk-{len(self.workers)}"
        self.workers[worker_id] = FakeWorker(worker_id, state="starting")
        row = next(row for row in self.picture()["workers"] if row["id"] == worker_id)
        return web.json_response(row, status=202)

    async def stop(self, request):
        worker_id = request.match_info["id"]
        self.asked.append(("stop", worker_id, request.query.get("force")))
        return self.order(worker_id)

    async def restart(self, request):
        self.asked.append(("restart", request.match_info["id"]))
        return self.order(request.match_info["id"])

    def order(self, worker_id):
        if worker_id not in self.workers or worker_id in self.lost_workers:
            return error(404, "worker_not_found")
        self.workers[worker_id].state = "draining"
        row = next(row for row in self.picture()["workers"] if row["id"] == worker_id)
        return web.json_response(row, status=202)

    async def cancel(self, request):
        self.cancelled.append(request.match_info["id"])
        return web.Response(status=204)

    async def shutdown(self, request):
        self.asked.append(("shutdown", await request.json()))
        return web.json_response({}, status=202)

    # --- inference ---

    async def infer(self, request):
        worker = self.workers[request.headers["X-Worker-Id"]]
        body = await request.json()
        worker.busy += 1
        try:
            return await self.answer(request, worker, body)
        finally:
            worker.busy -= 1

    async def answer(self, request, worker, body):
        worker.served.append(request.headers["X-Request-Id"])
        if worker.behaviour == "abort":
            request.transport.abort()
            return web.Response()
        if worker.behaviour != "serve" and ":" in worker.behaviour:
            status, code = worker.behaviour.split(":")
            return error(int(status), code)
        if worker.behaviour == "wait":
            await self.release.wait()
        if not body.get("stream"):
            return web.json_response({"worker": worker.worker_id, "deadline_ms": request.headers["X-Deadline-Ms"]})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number in range(3):
            await response.write(b'data: {"token": %d}\n\n' % number)
            if worker.behaviour == "hold":
                await self.release.wait()
            if worker.behaviour == "break":
                request.transport.abort()
                return response
            if worker.behaviour == "end without done":
                return response
            if worker.behaviour == "error chunk":
                chunk = {"error": {"code": "worker_lost", "type": "upstream", "message": "x", "details": {}}}
                await response.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
                return response
        await response.write(b"data: [DONE]\n\n")
        return response


def error(status, code):
    body = {"error": {"code": code, "type": "t", "message": "the hive said so", "request_id": "r", "details": {"a": 1}}}
    headers = {"Retry-After": "1"} if status in (429, 502, 503) else {}
    return web.json_response(body, status=status, headers=headers)


class RunningQueen:
    """A queen on a real socket, without the signals of the run loop."""

    def __init__(self, data_dir, port=0, **durations):
        config = QueenConfig(
            listen=Listen(host="127.0.0.1", port=port),
            data_dir=data_dir,
            queue_limit=1,
            durations=Durations(**(DURATIONS | durations)),
        )
        make_data_folder(data_dir)
        self.queen = Queen(config, create_app)
        listener = bind("127.0.0.1", port)
        self.server = HttpServer(self.queen.app, listener)
        self.address = Address("127.0.0.1", listener.getsockname()[1])
        self.url = self.address.url

    async def start(self):
        await self.server.start()
        self.queen.bound = self.address
        await self.queen.on_start(self.address)
        self.queen.life = Life.SERVING
        self.client = httpx.AsyncClient(base_url=self.url, timeout=10, verify=False)

    async def stop(self):
        await self.client.aclose()
        await self.queen.on_stop()
        self.queen.closing.set()
        await self.server.stop(handlers_s=0.2, flush_s=0.2)
        await self.queen.cancel_background()
        await asyncio.sleep(0.02)  # closed transports are let go by the loop's next turns

    async def ask(self, request_id=None, **more):
        headers = {"X-Request-Id": request_id} if request_id else {}
        return await self.client.post("/v1/chat/completions", json=BODY | more, headers=headers)

    async def hive(self, hive_id="h1"):
        return (await self.client.get(f"/v1/hives/{hive_id}")).json()

    async def workers(self, **query):
        return (await self.client.get("/v1/workers", params=query)).json()["workers"]

    async def hive_state(self, hive_id="h1"):
        return (await self.hive(hive_id))["state"]

    async def metric(self, name, **labels):
        text = (await self.client.get("/metrics")).text
        tags = ",".join(f'{key}="{value}"' for key, value in labels.items())
        start = f"{name}{{{tags}}} " if tags else f"{name} "
        return sum(float(line.removeprefix(start)) for line in text.splitlines() if line.startswith(start))

    def told(self):
        """Events so far, as (kind, what)."""
        found = self.queen.events.since(0)[0]
        return [(event.kind.value, event.data.get("worker_id", event.data["hive_id"])) for event in found]


@pytest.fixture
def start_queen(tmp_path):
    @asynccontextmanager
    async def start(**durations):
        running = RunningQueen(tmp_path / "queen", **durations)
        await running.start()
        try:
            yield running
        finally:
            await running.stop()

    return start


@pytest.fixture
async def queen(start_queen):
    async with start_queen() as running:
        yield running


@pytest.fixture
async def start_hive(queen):
    started = []

    async def start(hive_id="h1", *worker_ids, beat=True, queen_url=None, **more):
        hive = FakeHive(hive_id, queen_url or queen.url, *worker_ids, **more)
        await hive.listen()
        started.append(hive)
        if beat:
            await hive.beat()
        return hive

    yield start
    for hive in started:
        await hive.close()
