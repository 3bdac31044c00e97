"""The sealed values of a recorded event, with what each is bound to, and the event with them opened."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared.codec import sealing_subject
from shared.envelope import RecordedEvent, RecordedIdentifier
from shared.events.data import EventData
from shared.events.personal_fields import PersonalFields, personal_fields
from shared.events.sealed import is_sealed
from shared.field_cipher import Sealing
from shared.personal_data.opener import Opener, SealedValue


def sealed_values(event: RecordedEvent[Any]) -> list[SealedValue]:
    """Every sealed value of an event: of its data, its customer's identifiers and those it links."""
    data = msgspec.json.decode(event.record.data)
    declared: type[EventData] = type(event.data)
    subject = sealing_subject(event.data, event.customer)
    found = [
        SealedValue(value, Sealing(subject, category, event.id))
        for value, category in _in_fields(data, personal_fields(declared))
    ]
    return [
        *found,
        *_in_identifiers(event.customer, event.id),
        *_in_identifiers(event.record.linked, event.id),
    ]


async def opened_texts(events: Sequence[RecordedEvent[Any]], opener: Opener) -> dict[str, Any]:
    """By sealed text what it says, None for what is absent. Asks the key store at most once; raises as `Opener`."""
    values = [value for event in events for value in sealed_values(event)]
    return dict(zip((each.value for each in values), await opener.open(values), strict=True))


def with_opened(value: Any, opened: Mapping[str, Any]) -> Any:
    """A JSON value in which sealed texts are replaced by what they say, null where that is absent or not known."""
    if isinstance(value, Mapping):
        return {name: with_opened(each, opened) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [with_opened(each, opened) for each in value]
    return opened.get(value) if is_sealed(value) else value


def _in_fields(data: Mapping[str, Any], fields: PersonalFields) -> Iterator[tuple[str, Any]]:
    for name, category in fields.items():
        value = data.get(name)
        if isinstance(category, Mapping):
            if isinstance(value, Mapping):
                yield from _in_fields(value, category)
        elif is_sealed(value):
            yield value, category  # type: ignore[misc]


def _in_identifiers(identifiers: Sequence[RecordedIdentifier], event_id: str) -> list[SealedValue]:
    return [
        SealedValue(each.value, Sealing(each.party_id, "contact", event_id))
        for each in identifiers
        if is_sealed(each.value)
    ]
