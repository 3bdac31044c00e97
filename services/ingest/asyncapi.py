"""AsyncAPI 3.0: the event log as a channel of messages, and the door through which events enter it."""

from typing import Any

import msgspec

from services.ingest.openapi import component, schema_name
from shared.envelope import LogValue
from shared.events.catalogue import Catalogue

_COMPONENTS = "#/components/schemas/{name}"


def asyncapi_document(catalogue: Catalogue, version: str, log_address: str) -> dict[str, Any]:
    """The document; `log_address` names the topic, or the embedded log."""
    _, schemas = msgspec.json.schema_components([LogValue], ref_template=_COMPONENTS)
    messages: dict[str, Any] = {}
    for event_type, newest in catalogue.types():
        name = schema_name(event_type)
        schemas[name] = component(catalogue, event_type, newest)
        messages[name] = _message(name, event_type)
    references = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rapport",
            "version": version,
            "description": "Touchpoint events, as posted over HTTP and as recorded in the event log.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "log": {
                "address": log_address,
                "title": "Event log",
                "description": "Keyed by stream key; equal keys keep their order.",
                "messages": references,
            },
            "door": {
                "address": "/v1/events",
                "title": "Ingest over HTTP",
                "messages": {"postedEvents": {"$ref": "#/components/messages/postedEvents"}},
            },
        },
        "operations": {
            "ingest": {
                "action": "receive",
                "channel": {"$ref": "#/channels/door"},
                "bindings": {"http": {"method": "POST", "bindingVersion": "0.3.0"}},
                "summary": "Channel systems post events.",
            },
            "record": {
                "action": "send",
                "channel": {"$ref": "#/channels/log"},
                "summary": "Accepted events are appended to the log.",
            },
        },
        "components": {"messages": messages | {"postedEvents": _posted(list(messages))}, "schemas": schemas},
    }


def _message(name: str, event_type: str) -> dict[str, Any]:
    data = {"$ref": f"#/components/schemas/{name}/properties/data"}
    return {
        "name": event_type,
        "title": event_type,
        "contentType": "application/json",
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/LogValue"},
                {"type": "object", "properties": {"type": {"const": event_type}, "data": data}},
            ]
        },
    }


def _posted(names: list[str]) -> dict[str, Any]:
    one = {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
    return {
        "name": "posted events",
        "contentType": "application/cloudevents-batch+json",
        "payload": {"type": "array", "items": one},
    }
