"""The parts of the OpenAPI document that routes share: headers in and out, parameters, problems."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.http.problems import described_problems

_POSITION: dict[str, Any] = {"schema": {"type": "string"}, "example": "0:17,5:4"}

_FRESHNESS: list[dict[str, Any]] = [
    {
        "name": "Rapport-At-Least",
        "in": "header",
        "description": "a position from an earlier answer; the read waits until the views include it",
        "required": False,
        **_POSITION,
    },
    {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=SECONDS`: how long to wait for that position; 2 by default, at most 30",
        "required": False,
        "schema": {"type": "string"},
        "example": "wait=5",
    },
]
_IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "entity tags of answers already held; 304 where the answer would be one of them",
    "required": False,
    "schema": {"type": "string"},
}
_ANSWER_HEADERS: dict[str, Any] = {
    "Rapport-Position": {"description": "the position of the snapshot that was read", **_POSITION},
    "ETag": {"description": "the strong entity tag of the body", "schema": {"type": "string"}},
    "Preference-Applied": {"description": "the wait that was granted", "schema": {"type": "string"}},
}
UNADMITTED: Mapping[int, Sequence[str]] = {
    401: ["unauthorized"],
    403: ["forbidden_call"],
    429: ["rate_limited"],
    431: ["headers_too_large"],
}
"""Problems of a request that is not let in: for its credential, or a head of more than 32 KiB, its address included."""
_UNAVAILABLE = ("position_not_reached", "database_unavailable", "overloaded")


def path_parameter(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAPI parameter of the path."""
    return {"name": name, "in": "path", "description": description, "required": True, "schema": dict(schema)}


def query_parameter(name: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """An optional OpenAPI parameter of the query."""
    return {
        "name": name,
        "in": "query",
        "description": description,
        "required": False,
        "schema": dict(schema),
    }


def read_parameters(*own: Mapping[str, Any], conditional: bool = True) -> dict[str, Any]:
    """What `openapi_extra` takes for a read: the route's own parameters, and the headers of all reads."""
    return {"parameters": [*own, *_FRESHNESS, *([_IF_NONE_MATCH] if conditional else [])]}


def read_responses(
    model: Any, description: str, problems: Mapping[int, Sequence[str]], *, conditional: bool = True
) -> dict[int | str, dict[str, Any]]:
    """What `responses` takes for a read: the answer, 304 where `conditional`, every problem by code."""
    responses: dict[int | str, dict[str, Any]] = {
        200: {"model": model, "description": description, "headers": _ANSWER_HEADERS}
    }
    if conditional:
        responses[304] = {"description": "the client holds this answer already", "headers": _ANSWER_HEADERS}
    unavailable = (*_UNAVAILABLE, "issuer_unavailable", *problems.get(503, ()))
    described = described_problems({**UNADMITTED, **problems, 503: unavailable, 500: ["internal_error"]})
    retry = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    described[503]["headers"] = retry
    return {**responses, **described}
