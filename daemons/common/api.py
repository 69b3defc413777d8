"""The FastAPI app of a daemon: error answers in one shape, the common routes, and raw ASGI routes that are documented.

`create_api` returns an app with /health, /ready and /metrics; the role adds its routes and wraps it with `finish`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from daemons.common import asgi
from daemons.common.daemon import Daemon
from daemons.common.errors import ApiError, ErrorCode
from daemons.common.routes_health import add_health_routes
from daemons.common.version import VERSION

_OFF: Any = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own telemetry is off: the daemons have metrics and logs of their own."""


class ErrorBody(BaseModel):
    """What went wrong."""

    code: ErrorCode
    type: str
    message: str
    request_id: str
    details: dict[str, Any]


class ErrorAnswer(BaseModel):
    """The one shape of every error answer."""

    model_config = ConfigDict(title="Error")

    error: ErrorBody


def create_api(daemon: Daemon, *, title: str, description: str) -> FastAPI:
    """Return the app with the routes and error answers that all three daemons have."""
    app = FastAPI(
        title=title,
        description=description,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        telemetry=_OFF,
        responses={"default": {"model": ErrorAnswer, "description": "An error"}},
    )
    _answer_errors(app)
    _document_errors(app)
    add_health_routes(app, daemon)
    return app


def add_raw_route(
    app: FastAPI,
    path: str,
    handler: ASGIApp,
    *,
    document: Callable[..., Any],
    response_model: type[BaseModel],
    tags: Sequence[str] = ("inference",),
    responses: Mapping[int | str, dict[str, Any]] | None = None,
) -> None:
    """Mount an ASGI app as POST `path` and document it as if it were a function route.

    Args:
        app: the daemon's app.
        path: the path, without parameters.
        handler: the ASGI app that answers; it may raise ApiError before it has sent anything.
        document: a function whose name, docstring and body parameter describe the route in OpenAPI; never called.
        response_model: the answer when it is not a stream.
        tags: OpenAPI tags.
        responses: further documented responses.
    """
    app.add_api_route(
        path,
        document,
        methods=["POST"],
        response_model=response_model,
        tags=list(tags),
        name=document.__name__.removeprefix("document_"),
        operation_id=document.__name__.removeprefix("document_"),
        responses=dict(responses or {}),
    )
    route = app.router.routes[-1]
    assert isinstance(route, APIRoute)
    route.app = handler


def finish(daemon: Daemon, app: FastAPI) -> ASGIApp:
    """Return the app with the layers around it, ready to be served."""
    daemon.api = app
    return asgi.wrap(app, daemon)


def error_response(error: ApiError) -> JSONResponse:
    """Return the answer for an error."""
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers())


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    async def _api_error(_request: Request, error: ApiError) -> JSONResponse:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def _validation_error(_request: Request, error: RequestValidationError) -> JSONResponse:
        return error_response(validation_error(error.errors()))

    @app.exception_handler(HTTPException)
    async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == 405:
            found = ApiError(ErrorCode.METHOD_NOT_ALLOWED, f"{request.method} is not allowed here")
        elif error.status_code == 404:
            found = ApiError(ErrorCode.NOT_FOUND, "there is no such path")
        else:
            found = ApiError(ErrorCode.BAD_REQUEST, "the request cannot be read")
        response = error_response(found)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def _internal_error(_request: Request, _error: Exception) -> JSONResponse:
        # Starlette raises the error again after this answer: RequestContext logs it.
        return error_response(ApiError(ErrorCode.INTERNAL, "an internal error; the log says more"))


def validation_error(problems: Sequence[Mapping[str, Any]]) -> ApiError:
    """Return the 400 for pydantic's problems: where, what was expected, and never the client's value itself."""
    found = [
        {"field": ".".join(str(part) for part in p["loc"] if part != "body") or "body", "expected": p["msg"]}
        for p in problems
    ]
    summary = "; ".join(f"{item['field']}: {item['expected']}" for item in found[:3])
    return ApiError(ErrorCode.VALIDATION_FAILED, f"the request is not valid: {summary}", details={"problems": found})


def _document_errors(app: FastAPI) -> None:
    """Remove FastAPI's 422 from every route's document: invalid requests get 400 in our shape, under `default`."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            for operations in schema["paths"].values():
                for operation in operations.values():
                    operation.get("responses", {}).pop("422", None)
            for name in ("HTTPValidationError", "ValidationError"):
                schema.get("components", {}).get("schemas", {}).pop(name, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
