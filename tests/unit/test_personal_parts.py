"""What is personal in an event's data is told apart from the rest, and nothing of it stays there."""

from typing import Any

import msgspec
from hypothesis import given

from services.projections.personal_parts import PersonalField, parts_of, put_back
from services.projections.read_models import timeline
from shared.codec import Sealing, decode_record
from shared.envelope import RecordedEvent
from shared.events.data import EventData
from shared.events.personal_fields import personal_fields
from shared.events.vocabulary import PersonalCategory
from tests.complaining import created, opened
from tests.projecting import purchase
from tests.strategies import CATALOGUE, PARTY_IDS, JsonObject, record_of, recorded_events

M1 = PARTY_IDS.of("member", "M1")


class Marked:
    """Seals by saying whose and of which category a value is."""

    def seal(self, value: Any, sealing: Sealing) -> str:
        return f"sealed:{sealing.subject}/{sealing.category}/{sealing.event_id}/{value}"


def recorded(posted: JsonObject) -> RecordedEvent[Any]:
    return decode_record(record_of(posted), CATALOGUE)


def described(**attributes: Any) -> JsonObject:
    data = {"customer": [{"type": "member", "value": "M1"}], "attributes": attributes}
    return purchase(1, id="d-1", type="customer.described", data=data)


def test_personal_fields_are_taken_out_of_their_groups_with_their_category() -> None:
    plain, personal = parts_of(
        recorded(described(name="Ada", language="th", preferences={"seat": "window"}, dietary="no nuts"))
    )
    assert msgspec.json.decode(plain) == {"attributes": {"language": "th"}}
    assert personal is not None
    assert (personal.subject, personal.event_id) == (M1, "d-1")
    assert sorted(personal.fields, key=lambda field: field.path) == [
        PersonalField(["attributes", "dietary"], "health", "no nuts"),
        PersonalField(["attributes", "name"], "identity", "Ada"),
        PersonalField(["attributes", "preferences"], "preference", {"seat": "window"}),
    ]


def test_what_was_taken_back_is_no_personal_value_and_stays_told() -> None:
    plain, personal = parts_of(recorded(described(name=None, language="th")))
    assert msgspec.json.decode(plain) == {"attributes": {"name": None, "language": "th"}}
    assert personal is None


def test_sealed_values_are_taken_out_like_plain_ones_bound_to_the_customer_or_else_the_task() -> None:
    for posted, subject, category in (
        (opened("09:00"), M1, "free_text"),
        (created("10:00"), "task:T-1", "free_text"),
    ):
        event = decode_record(record_of(posted, cipher=Marked()), CATALOGUE)
        plain, personal = parts_of(event)
        assert b"sealed:" not in bytes(plain)
        assert personal is not None
        assert personal.subject == subject
        [field] = personal.fields
        assert field.value.startswith(f"sealed:{subject}/{category}/{event.id}/")


def test_data_without_personal_fields_pass_as_they_are() -> None:
    event = recorded(purchase(1))
    plain, personal = parts_of(event)
    assert plain is event.record.data
    assert personal is None


@given(recorded_events())
def test_parts_of_any_event_put_together_are_its_data_and_the_plain_one_holds_nothing_personal(
    event: RecordedEvent[Any],
) -> None:
    declared: type[EventData] = type(event.data)
    plain, personal = parts_of(event)
    values = msgspec.json.decode(plain)
    assert not list(_personal_in(values, personal_fields(declared)))
    for field in personal.fields if personal else ():
        put_back(values, field.path, field.value)
    assert values == msgspec.json.decode(event.record.data)
    row = timeline.row(event)
    assert (row["personal"] is None) is (personal is None)
    shown = msgspec.json.decode(row["item"])["data"]
    assert not list(_personal_in(shown, personal_fields(declared)))


def _personal_in(values: dict[str, Any], fields: Any) -> Any:
    for name, category in fields.items():
        value = values.get(name)
        if value is None:
            continue
        if isinstance(category, str):
            known: PersonalCategory = category  # type: ignore[assignment]
            yield known
        else:
            yield from _personal_in(value, category)
