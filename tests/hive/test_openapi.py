"""The hive's OpenAPI: every route is there, with its answer."""

from __future__ import annotations

from daemons.hive.app import create_hive_api
from daemons.hive.config import HiveConfig
from daemons.hive.datafolder import DataFolder
from daemons.hive.hive import Hive

ROUTES = {
    "DELETE /v1/models/{ref}",
    "DELETE /v1/requests/{request_id}",
    "DELETE /v1/workers/{worker_id}",
    "GET /health",
    "GET /metrics",
    "GET /ready",
    "GET /v1/devices",
    "GET /v1/lease",
    "GET /v1/models",
    "GET /v1/models/{ref}/progress",
    "GET /v1/resources",
    "GET /v1/workers",
    "GET /v1/workers/{worker_id}",
    "POST /v1/chat/completions",
    "POST /v1/completions",
    "POST /v1/models",
    "POST /v1/shutdown",
    "POST /v1/workers",
    "POST /v1/workers/{worker_id}/restart",
    "PUT /v1/workers/{worker_id}/lease",
}


def test_every_route_is_documented_with_its_answer(tmp_path):
    hive = Hive(HiveConfig(), DataFolder(tmp_path), create_hive_api)
    schema = hive.api.openapi()
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }
    assert operations.keys() == ROUTES
    for name, operation in operations.items():
        assert operation["description"], name
        assert "422" not in operation["responses"], name
        success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        assert "204" in operation["responses"] or success.get("content") or name == "GET /metrics", name
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)
