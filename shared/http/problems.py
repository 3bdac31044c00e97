"""Errors over HTTP: RFC 9457 `application/problem+json`, each with a stable `code` for programs."""

import re
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "application/problem+json"
_TITLES = {"invalid_json": "Invalid JSON"}
_CODES_BY_STATUS = {404: "not_found", 405: "method_not_allowed"}
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """An answer other than success: HTTP status, machine-readable code, and what a person should know and do.

    `retry_after_seconds` becomes the `Retry-After` header; `extras` become further members of the document.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after_seconds: int | None = None,
        headers: Mapping[str, str] | None = None,
        **extras: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        if retry_after_seconds is not None:
            self.headers["retry-after"] = str(max(1, retry_after_seconds))
        self.extras = extras

    def document(self, trace_id: str) -> bytes:
        """The problem document, JSON; `instance` names this occurrence by the trace id of the log lines."""
        return msgspec.json.encode(
            {
                "type": f"urn:rapport:problem:{self.code}",
                "title": _TITLES.get(self.code) or self.code.replace("_", " ").capitalize(),
                "status": self.status,
                "code": self.code,
                "detail": self.detail,
                "instance": f"urn:rapport:request:{trace_id}",
                **self.extras,
            }
        )


def trace_id_of(scope: Scope) -> str:
    """The trace id of the request's `traceparent`, else a random one; the same when asked again."""
    known: str | None = scope.get("rapport.trace_id")
    if known is None:
        sent = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
        match = _TRACEPARENT.match(sent)
        known = match[1].decode() if match else secrets.token_hex(16)
        scope["rapport.trace_id"] = known
    return known


async def send_problem(problem: Problem, scope: Scope, send: Send) -> None:
    """Answers the request of `scope` with the problem, for ASGI applications without a framework."""
    body = problem.document(trace_id_of(scope))
    headers = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
    headers += [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class ProblemBoundary:
    """Answers `internal_error` for what nobody foresaw: logged in full, told without internals."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application. Raises what it raised only where the answer had already begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noticing(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noticing)
        except Problem as problem:
            if started:
                raise
            await send_problem(problem, scope, send)
        except Exception as error:
            answer = internal_error(scope, error)
            if started:
                raise
            await send_problem(answer, scope, send)


def internal_error(scope: Scope, error: Exception) -> Problem:
    """Logs an unforeseen error with the request's trace id, and gives the problem that names only that id.

    The line has the route and not the path, in which a card's number or a customer's id may stand.
    """
    trace_id = trace_id_of(scope)
    route = scope.get("rapport.route", getattr(scope.get("route"), "path", "unmatched"))
    structlog.get_logger("rapport.http").error(
        "request_failed", trace_id=trace_id, method=scope["method"], route=route, exc_info=error
    )
    return Problem(
        500,
        "internal_error",
        f"the request failed for a reason that is ours; the service's log tells it under trace id {trace_id}",
        trace_id=trace_id,
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Makes every error of the application a problem document: its own, validation's, 404, 405 and 500."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_parameter)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_middleware(ProblemBoundary)


def described_problems(codes_by_status: Mapping[int, Sequence[str]]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI response objects for problems, by status, naming the codes; fits FastAPI's `responses`."""
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{code}`" for code in codes),
            "content": {CONTENT_TYPE: {"schema": problem_schema(codes)}},
        }
        for status, codes in codes_by_status.items()
    }


def problem_schema(codes: Sequence[str]) -> dict[str, Any]:
    """JSON Schema of a problem document with one of these codes."""
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "instance"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": list(codes)},
            "detail": text,
            "instance": text,
        },
    }


def _response(request: Request, problem: Problem) -> Response:
    return Response(
        problem.document(trace_id_of(request.scope)),
        status_code=problem.status,
        headers=problem.headers,
        media_type=CONTENT_TYPE,
    )


async def _on_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return _response(request, error)


async def _on_invalid_parameter(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [_parameter_error(each) for each in error.errors()[:20]]
    detail = "; ".join(f"{each['in']} {each['parameter']}: {each['reason']}" for each in errors)
    return _response(request, Problem(422, "invalid_parameter", detail, errors=errors))


def _parameter_error(error: Mapping[str, Any]) -> dict[str, str]:
    place, *path = error["loc"] or ("request",)
    name = ".".join(str(step) for step in path) or str(place)
    return {"in": str(place), "parameter": name, "reason": str(error["msg"])}


async def _on_http_exception(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    path = request.scope["path"]
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = f"nothing is served at {path}; /openapi.json lists what is"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not served at {path}; /openapi.json lists what is"
    else:
        detail = str(error.detail)
    code = _CODES_BY_STATUS.get(error.status_code, "http_error")
    return _response(request, Problem(error.status_code, code, detail, headers=error.headers))
