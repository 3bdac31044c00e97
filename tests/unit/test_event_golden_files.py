"""The shapes of events in files, so that a change of shape is seen in a diff and never by accident."""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from shared.codec import decode_record
from shared.data_schema import data_schema
from shared.log.port import StoredRecord
from tests.strategies import CATALOGUE, record_of
from tests.unit.golden_events import GOLDEN_DATA

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("RAPPORT_WRITE_GOLDEN") == "1"
TYPES = CATALOGUE.types()
HOW_TO_WRITE = (
    "the shape of {} changed. Senders and logs hold the old one: add a version and an upcaster, unless no event of it "
    "was ever recorded; then write the files anew with RAPPORT_WRITE_GOLDEN=1 pytest {}"
)


def posted_example(event_type: str, version: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"golden-{event_type}",
        "source": "/rapport/analytics" if event_type == "analytics.run_completed" else "/store/bkk-01/pos-3",
        "type": event_type,
        "time": "2024-05-01T12:00:00.25+07:00",
        "channel": "store",
        "dataschema": data_schema(event_type, version),
        "sentat": "2024-05-01T05:00:01Z",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "causeid": "case-7",
        "data": GOLDEN_DATA[event_type],
    }


def compare(name: str, value: Any) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if WRITE:
        path.write_text(text)
    how = HOW_TO_WRITE.format(name, Path(__file__).name)
    assert path.exists(), how
    assert json.loads(path.read_text()) == value, how


@pytest.mark.parametrize(("event_type", "version"), TYPES)
def test_the_schema_of_a_type_is_the_one_published(event_type: str, version: int) -> None:
    schema = CATALOGUE.schema(event_type, version)
    compare(f"{event_type}.{version}.schema", json.loads(json.dumps(schema)))
    assert schema["$id"] == data_schema(event_type, version)
    jsonschema_rs.meta.validate(schema)


@pytest.mark.parametrize(("event_type", "version"), TYPES)
def test_an_event_is_recorded_as_it_always_was(event_type: str, version: int) -> None:
    posted = posted_example(event_type, version)
    jsonschema_rs.validate(CATALOGUE.schema(event_type, version), posted)
    compare(f"{event_type}.{version}.posted", posted)
    record = record_of(posted)
    value = msgspec.json.decode(record.value or b"")
    compare(f"{event_type}.{version}.record", {"key": (record.key or b"").decode(), "value": value})


@pytest.mark.parametrize(("event_type", "version"), TYPES)
def test_a_record_of_old_is_read(event_type: str, version: int) -> None:
    stored = json.loads((GOLDEN / f"{event_type}.{version}.record.json").read_text())
    record = StoredRecord(0, 0, stored["key"].encode(), msgspec.json.encode(stored["value"]))
    assert decode_record(record, CATALOGUE).type == event_type


def test_the_examples_use_every_field_of_their_type() -> None:
    """What no example uses could change its recorded form unseen."""
    # `expires_at` and the two forms of an answer exclude each other within one event.
    optional = {"score", "scores", "amount", "points"}
    for event_type, version in TYPES:
        schema = CATALOGUE.schema(event_type, version)
        fields = schema["$defs"][schema["properties"]["data"]["$ref"].rpartition("/")[2]]["properties"]
        assert fields.keys() - GOLDEN_DATA[event_type].keys() <= optional, event_type


def test_no_golden_file_is_left_over() -> None:
    expected = {
        f"{kind}.{version}.{form}.json" for kind, version in TYPES for form in ("schema", "posted", "record")
    }
    assert {path.name for path in GOLDEN.glob("*.json")} == expected
