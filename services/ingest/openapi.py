"""OpenAPI of `POST /v1/events`, written by hand because the route bypasses the framework."""

from typing import Any, Final

from services.ingest.content_modes import ACCEPTED_TYPES
from services.ingest.limits import Limits
from services.ingest.posting import PATH
from shared.credentials.described import with_bearers
from shared.events.catalogue import Catalogue
from shared.http.problems import described_problems

EVENT_CODES: Final = (
    "schema_violation",
    "unknown_type",
    "unknown_version",
    "bad_identifier",
    "time_in_future",
    "event_too_large",
    "log_unavailable",
    "key_store_unavailable",
)
"""The codes of `results[].error`; those that end in `_unavailable` are retryable."""

PROBLEM_CODES: Final = {
    400: ("invalid_json",),
    401: ("unauthorized",),
    403: ("forbidden_source",),
    408: ("request_timeout",),
    413: ("too_large",),
    415: ("unsupported_media_type",),
    429: ("rate_limited",),
    500: ("internal_error",),
    503: (
        "log_unavailable",
        "key_store_unavailable",
        "overloaded",
        "database_unavailable",
        "issuer_unavailable",
    ),
}
"""The codes of answers that concern the whole request, by HTTP status."""


def schema_name(event_type: str) -> str:
    """The name of a type's schema among the components: `PurchaseCompleted`."""
    return "".join(word.capitalize() for part in event_type.split(".") for word in part.split("_"))


def component(catalogue: Catalogue, event_type: str, version: int) -> dict[str, Any]:
    """A type's schema as a component: its references lead through the component, not through an `$id`."""
    schema = catalogue.schema(event_type, version)
    own = {name: member for name, member in schema.items() if name not in ("$id", "$schema")}
    component_of: dict[str, Any] = _rooted(own, f"#/components/schemas/{schema_name(event_type)}/")
    return component_of


def _rooted(node: Any, root: str) -> Any:
    if isinstance(node, list):
        return [_rooted(item, root) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: root + member.removeprefix("#/") if name == "$ref" else _rooted(member, root)
        for name, member in node.items()
    }


def event_schemas(catalogue: Catalogue) -> dict[str, Any]:
    """The newest schemas of all types, by component name, and `Event`, which is any of them."""
    schemas = {schema_name(name): component(catalogue, name, version) for name, version in catalogue.types()}
    mapping = {name: f"#/components/schemas/{schema_name(name)}" for name, _ in catalogue.types()}
    schemas["Event"] = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "type", "mapping": mapping},
    }
    return schemas


def describe_posting(document: dict[str, Any], catalogue: Catalogue, limits: Limits) -> dict[str, Any]:
    """Adds `POST /v1/events` and its schemas to an OpenAPI document, and returns it."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(event_schemas(catalogue))
    schemas["IngestAnswer"] = _answer_schema()
    document["paths"][PATH] = {"post": _operation(limits)}
    return with_bearers(document, lambda path: path == PATH)


def _operation(limits: Limits) -> dict[str, Any]:
    answer = {"application/json": {"schema": {"$ref": "#/components/schemas/IngestAnswer"}}}
    responses: dict[str, Any] = {
        "202": {
            "description": "Nothing was rejected; what is accepted is on stable storage",
            "content": answer,
        },
        "207": {"description": "Some events were rejected", "content": answer},
        "422": {"description": "All events were rejected", "content": answer},
    }
    responses |= {str(status): response for status, response in described_problems(PROBLEM_CODES).items()}
    for status in ("429", "503"):
        responses[status]["headers"] = {
            "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
        }
    return {
        "operationId": "postEvents",
        "tags": ["events"],
        "summary": "Post touchpoint events",
        "description": (
            "CloudEvents 1.0 in structured, batched or binary mode (attributes in `ce-` headers, "
            "percent-encoded, data as the body). `Content-Encoding` gzip and zstd are understood. At most "
            f"{limits.event_bytes} bytes an event, {limits.request_bytes} bytes and {limits.request_events} "
            "events a request, counted after decompression. Each event is answered by itself, in the order "
            "sent. A batch of no events is answered 202. An event may be sent any number of times: repeats "
            "of (`source`, `id`) have no further effect. Codes of rejected events: "
            + ", ".join(f"`{code}`" for code in EVENT_CODES)
            + "."
        ),
        "parameters": [
            _header(name) for name in ("ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time")
        ],
        "requestBody": {"required": True, "content": _request_content(limits)},
        "responses": responses,
    }


def _request_content(limits: Limits) -> dict[str, Any]:
    one = {"$ref": "#/components/schemas/Event"}
    many = {"type": "array", "items": one, "maxItems": limits.request_events}
    structured, batched, plain, lines = ACCEPTED_TYPES
    return {
        structured: {"schema": one},
        batched: {"schema": many},
        plain: {
            "schema": {
                "description": "one event, an array of events, or, with `ce-` headers, the data of one event",
                "anyOf": [one, many, {"type": "object"}],
            }
        },
        lines: {"schema": {"type": "string", "description": "one event a line"}},
    }


def _header(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": "binary mode: the attribute, percent-encoded; further attributes likewise",
        "schema": {"type": "string"},
    }


def _answer_schema() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    text = {"type": "string"}
    error = {
        "type": "object",
        "required": ["code", "detail", "retryable"],
        "properties": {
            "code": {"type": "string", "enum": list(EVENT_CODES)},
            "detail": text,
            "pointer": {"type": "string", "description": "RFC 6901 pointer into the posted event"},
            "retryable": {"type": "boolean"},
        },
    }
    result = {
        "type": "object",
        "required": ["index", "id", "status"],
        "properties": {
            "index": count,
            "id": {"type": ["string", "null"]},
            "status": {"type": "string", "enum": ["accepted", "duplicate", "rejected"]},
            "error": error,
        },
    }
    return {
        "type": "object",
        "required": ["accepted", "duplicates", "rejected", "position", "results"],
        "properties": {
            "accepted": count,
            "duplicates": count,
            "rejected": count,
            "position": {
                "type": "string",
                "description": "send it as `Rapport-At-Least` to read these events",
            },
            "results": {"type": "array", "items": result},
        },
    }
