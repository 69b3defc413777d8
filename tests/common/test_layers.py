"""The layers around an app, on a real socket: request ids, the body's limit, the drain gate, and the last resort."""

from __future__ import annotations

import asyncio
import json

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from daemons.common.asgi import MAX_BODY_BYTES
from daemons.common.completions import CHAT_PATH
from daemons.common.daemon import Life

pytestmark = pytest.mark.anyio


class Note(BaseModel):
    text: str


@pytest.fixture
async def daemon(net):
    """A relay without targets, and some routes of the kinds that a role has."""
    async with net.relay_to() as relay:
        api: FastAPI = relay.api

        @api.post("/v1/notes")
        async def add(note: Note) -> int:
            return len(note.text)

        @api.put("/v1/workers/{worker_id}/lease")
        async def lease(worker_id: str) -> str:
            return worker_id

        @api.post("/v1/shutdown", status_code=202)
        async def shutdown() -> None: ...

        @api.get("/v1/broken")
        async def broken() -> None:
            raise ZeroDivisionError("secret detail")

        yield relay


def note_of(size: int) -> bytes:
    return json.dumps({"text": "x" * (size - len('{"text": ""}'))}).encode()


@pytest.mark.parametrize("given", ["abc", "A.b_c-9", "x" * 128])
async def test_a_request_id_is_echoed(daemon, client, given):
    answer = await client.http.get(daemon.url + "/health", headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 129, "a/b", "a:b", "bl\u00fcte".encode("latin-1")])
async def test_a_request_id_that_is_none_is_replaced(daemon, client, given):
    headers = {} if given is None else {"x-request-id": given}
    answer = await client.http.get(daemon.url + "/nowhere", headers=headers)
    made = answer.headers["x-request-id"]
    assert made.startswith("req-")
    assert answer.json()["error"]["request_id"] == made


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY_BYTES, 200), (MAX_BODY_BYTES + 1, 413)])
@pytest.mark.parametrize("chunked", [False, True])
async def test_the_bodys_limit(daemon, client, size, status, chunked):
    async def pieces():
        body = note_of(size)
        for at in range(0, size, 65_536):
            yield body[at : at + 65_536]

    content = pieces() if chunked else note_of(size)
    answer = await client.http.post(
        daemon.url + "/v1/notes", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["error"]["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", CHAT_PATH, 405, "method_not_allowed"),
        ("POST", "/v1/notes", 400, "validation_failed"),
        ("POST", CHAT_PATH, 400, "bad_request"),
        ("GET", "/v1/broken", 500, "internal"),
        ("DELETE", "/v1/requests/a%20b", 400, "validation_failed"),
    ],
)
async def test_every_error_has_the_shape(daemon, client, method, path, status, code):
    answer = await client.http.request(method, daemon.url + path)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error.keys() == {"code", "type", "message", "request_id", "details"}
    assert error["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in answer.text


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b"\xff", b"null", b"[]", b'{"model": 1}'])
async def test_a_body_that_is_no_request_is_the_clients_mistake(daemon, client, content):
    answer = await client.http.post(daemon.url + CHAT_PATH, content=content)
    assert answer.status_code == 400
    assert daemon.outcomes() == {"rejected": 1}


async def test_a_draining_daemon_refuses_what_is_new_and_answers_the_rest(daemon, client):
    daemon.life = Life.DRAINING
    for path in ("/v1/notes", CHAT_PATH, "/nowhere"):
        answer = await client.http.post(daemon.url + path, json={"text": "x"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "draining")
        assert answer.headers["retry-after"] == "1"
    assert (await client.http.get(daemon.url + "/metrics")).status_code == 200
    health = (await client.http.get(daemon.url + "/health")).json()
    assert (health["status"], health["life"]) == ("draining", "draining")
    assert (await client.http.get(daemon.url + "/ready")).status_code == 503
    assert (await client.http.delete(daemon.url + "/v1/requests/a")).status_code == 204
    assert (await client.http.put(daemon.url + "/v1/workers/w/lease")).status_code == 200
    assert (await client.http.post(daemon.url + "/v1/shutdown")).status_code == 202


async def test_gauges_are_read_and_counters_count(daemon, client):
    reads: list[int] = []
    daemon.metrics.gauge("bees", "Bees.", lambda: float(reads.append(1) or 7))
    daemon.metrics.gauge("bees_by_kind", "Bees.", lambda: {"drone": 2, "worker": 5}, label="kind")
    await client.ask(daemon.url)
    for _ in range(2):
        text = (await client.http.get(daemon.url + "/metrics")).text
        assert "\nhive_bees 7.0\n" in text
        assert '\nhive_bees_by_kind{kind="drone"} 2.0\n' in text
        assert '\nhive_requests_total{outcome="rejected"} 1.0\n' in text
        assert '\nhive_requests_total{outcome="served"} 0.0\n' in text
    assert len(reads) == 2


async def test_the_inference_routes_are_documented(daemon, client):
    document = (await client.http.get(daemon.url + "/openapi.json")).json()
    route = document["paths"][CHAT_PATH]["post"]
    assert "ChatRequest" in json.dumps(route["requestBody"])
    assert {"application/json", "text/event-stream"} == route["responses"]["200"]["content"].keys()
    assert "422" not in json.dumps(document["paths"])
    assert "HTTPValidationError" not in document["components"]["schemas"]


async def test_a_client_that_hangs_up_in_its_body_does_no_harm(daemon, client):
    host, port = daemon.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /v1/notes HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await client.http.get(daemon.url + "/health")).status_code == 200


async def test_what_is_no_http_gets_the_shape_too(daemon, client):
    answer = await client.http.get(daemon.url + "/health", headers={"x-request-id": b"\x1b[31m"})
    assert answer.status_code == 400
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
