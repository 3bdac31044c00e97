"""JSON Schema (2020-12) of whole posted events, from the event classes."""

from typing import Any

import msgspec

from shared.data_schema import data_schema
from shared.envelope import PostedEvent
from shared.events.data import EventData

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of_posted(data_class: type[EventData]) -> dict[str, Any]:
    """The schema of a posted event whose `data` is of this class, envelope included.

    Fields with personal data carry `x-personal` with their category. `dataschema` may be left out only while
    the version is the newest one, which no schema can say.
    """
    (envelope, data), parts = msgspec.json.schema_components(
        (PostedEvent, data_class), ref_template="#/$defs/{name}"
    )
    root = parts.pop(_name(envelope))
    _complete(parts[_name(data)], data_class)
    for part in parts.values():
        part["description"] = _paragraphs(part["description"])
    properties = {
        **root["properties"],
        "type": {"const": data_class.TYPE},
        "dataschema": {"enum": [data_schema(data_class.TYPE, data_class.VERSION), None]},
        "data": data,
    }
    if data_class.SOURCE is not None:
        properties["source"] = {"const": data_class.SOURCE}
    return {
        "$schema": _DIALECT,
        "$id": data_schema(data_class.TYPE, data_class.VERSION),
        "title": f"{data_class.TYPE}, version {data_class.VERSION}",
        "description": parts[_name(data)]["description"],
        **{key: value for key, value in root.items() if key not in ("title", "description")},
        "properties": properties,
        "$defs": dict(sorted(parts.items())),
    }


def _paragraphs(docstring: str) -> str:
    """A docstring without the line breaks and the indentation that only source code needs."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in docstring.split("\n\n"))


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _complete(schema: dict[str, Any], data_class: type[EventData]) -> None:
    """Adds what the class checks beyond the types of its fields."""
    lifted = [name for name in data_class.LIFTED if name != "customer" or data_class.CUSTOMER_REQUIRED]
    if not data_class.CUSTOMER_ALLOWED:
        del schema["properties"]["customer"]
    schema["required"] = [*lifted, *schema.get("required", [])]
    if data_class.CUSTOMER_REQUIRED:
        schema["properties"]["customer"] = {**schema["properties"]["customer"], "minItems": 1}
    if data_class.SCHEMA_RULES:
        schema["allOf"] = [dict(rule) for rule in data_class.SCHEMA_RULES]
