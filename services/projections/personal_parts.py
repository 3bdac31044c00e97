"""Splits the data of an event into what everybody may be shown and what is personal, so that readers can go without."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec import UNSET, Raw, Struct, json
from msgspec.structs import replace

from shared.codec import sealing_subject
from shared.data_schema import data_schema
from shared.envelope import RecordedEvent
from shared.events.data import EventData
from shared.events.personal_fields import PersonalFields, personal_fields
from shared.events.vocabulary import PersonalCategory

_encode: Final = json.Encoder().encode


class PersonalField(Struct, array_like=True, frozen=True):
    """A personal value as the log has it, sealed or not, and its place in the event's data."""

    path: list[str]
    category: PersonalCategory
    value: Any


class PersonalPart(Struct, frozen=True):
    """The personal fields of an event, and what their seals are bound to."""

    subject: str
    event_id: str
    fields: list[PersonalField]


class Parts(NamedTuple):
    """An event's data without its personal fields, and these, None where it has none."""

    plain: Raw
    personal: PersonalPart | None


def parts_of(event: RecordedEvent[Any]) -> Parts:
    """The two parts of an event's data, of the newest version where it was recorded under an earlier one."""
    data: EventData = event.data
    fields = personal_fields(type(data))
    as_recorded = event.record.dataschema == data_schema(event.type, data.VERSION)
    if not fields and as_recorded:
        return Parts(event.record.data, None)
    recorded = event.record.data
    if not as_recorded:
        recorded = Raw(_encode(replace(data, **dict.fromkeys(data.LIFTED, UNSET))))
    values = json.decode(recorded)
    found: list[PersonalField] = []
    _take(values, fields, [], found)
    if not found:
        return Parts(recorded, None)
    return Parts(Raw(_encode(values)), PersonalPart(sealing_subject(data, event.customer), event.id, found))


def _take(
    values: dict[str, Any], fields: PersonalFields, above: list[str], found: list[PersonalField]
) -> None:
    """Moves the personal fields of `values` to `found`. A null takes back what was told, and is no personal value."""
    for name, category in fields.items():
        value = values.get(name)
        if value is None:
            continue
        if isinstance(category, str):
            found.append(PersonalField([*above, name], category, values.pop(name)))
        else:
            _take(value, category, [*above, name], found)


def personal_part(
    data: dict[str, Any], declared: type[EventData], subject: str, event_id: str
) -> PersonalPart | None:
    """Takes the personal part out of recorded data of an event class; None where there is none."""
    found: list[PersonalField] = []
    _take(data, personal_fields(declared), [], found)
    return PersonalPart(subject, event_id, found) if found else None


def put_back(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Puts an opened value in its place in an event's data."""
    *above, name = path
    for step in above:
        values = values.setdefault(step, {})
    values[name] = value
