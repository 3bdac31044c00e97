"""The parts of the OpenAPI document that the routes of redemptions and holds share."""

from collections.abc import Sequence
from typing import Any, Final

from services.api.ledger_bodies import Body, body_schema
from services.api.openapi import UNADMITTED, path_parameter, query_parameter
from shared.http.problems import described_problems

IDEMPOTENCY_KEY_PATTERN: Final = r"^[\x21-\x7e]{1,200}$"

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_POSITION: Final[dict[str, Any]] = {"schema": _TEXT, "example": "5:4"}
_HEADERS: Final[list[dict[str, Any]]] = [
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "names this request among those of the account and the operation: a retry with it gets the "
        "outcome of the first",
        "required": True,
        "schema": {**_TEXT, "pattern": IDEMPOTENCY_KEY_PATTERN},
        "example": "till-3-000817",
    },
    {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=SECONDS`: how long to wait for the decision; 2 by default, at most 30",
        "required": False,
        "schema": _TEXT,
        "example": "wait=5",
    },
]
_DECIDED_HEADERS: Final[dict[str, Any]] = {
    "Location": {"description": "where it is read", "schema": {**_TEXT, "format": "uri-reference"}},
    "Rapport-Position": {"description": "a position that includes the request", **_POSITION},
    "Preference-Applied": {"description": "the wait that was granted", "schema": _TEXT},
}
_RETRY: Final[dict[str, Any]] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}

ACCOUNT_ID: Final = path_parameter("account_id", "a member number, written in any way", _TEXT)
POSITION: Final = query_parameter(
    "position",
    "where the request stands in the log, as the Location of a 202 says; until the ledger is there, `pending`",
    {**_TEXT, "examples": ["5:4"]},
)


def reference(name: str, description: str) -> dict[str, Any]:
    """The parameter of the path that names a redemption or hold."""
    return path_parameter(name, description, _TEXT)


def write_request(body: type[Body], example: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    """What `openapi_extra` takes for a write: parameters, headers, body."""
    media = {"schema": body_schema(body), "example": example}
    required = bool(media["schema"].get("required"))
    return {
        "parameters": [*parameters, *_HEADERS],
        "requestBody": {"required": required, "content": {"application/json": media}},
    }


def write_responses(
    decided: Any, pending: Any, *, refused: Sequence[str], not_found: Sequence[str] = ()
) -> dict[int | str, dict[str, Any]]:
    """What `responses` takes for a write: decided, pending, every problem by code."""
    described = described_problems(
        {
            **UNADMITTED,
            400: ["invalid_json", "idempotency_key_required"],
            404: [*not_found, "not_found"],
            409: [*refused, "request_discarded"],
            413: ["too_large"],
            415: ["unsupported_media_type"],
            422: ["schema_violation", "bad_identifier", "idempotency_key_reused", "invalid_parameter"],
            500: ["internal_error"],
            503: ["log_unavailable", "database_unavailable", "issuer_unavailable", "overloaded"],
        }
    )
    described[503]["headers"] = _RETRY
    return {
        201: {"model": decided, "description": "what was decided", "headers": _DECIDED_HEADERS},
        202: {
            "model": pending,
            "description": "the request stands in the log and is not decided yet; poll the Location",
            "headers": {**_DECIDED_HEADERS, **_RETRY},
        },
        **described,
    }
