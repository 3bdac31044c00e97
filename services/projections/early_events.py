"""Events of a case that come before the one that begins it: they wait, in log order, and apply after it.

They wait in rows of their own, fifty in a row, so that an early event costs the same however many wait, and however
many do, each is loaded once more when the case begins. Texts that people wrote do not wait with them.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from services.projections.loyalty.moments import microseconds_of
from shared.envelope import RecordedEvent
from shared.events.data import EventData

IN_A_ROW = 50
MOST_EARLY = 100_000
"""How many events of one case may wait. Further ones are kept in its history as an anomaly, and change nothing."""

_NOT_KEPT = frozenset(("note", "summary", "description", "title"))


class Occurrence(NamedTuple):
    """What a fold takes from an event, whether it applies at once or has waited. `time` is in microseconds."""

    event_id: str
    source: str
    time: int
    partition: int
    offset: int
    cause_id: str | None
    data: Any


def occurrence_of(event: RecordedEvent[Any]) -> Occurrence:
    """An event as it comes."""
    return Occurrence(
        event.id,
        event.source,
        microseconds_of(event.time),
        event.partition,
        event.offset,
        event.record.causeid,
        event.data,
    )


def row_number(early: int) -> int:
    """The number, from 1, of the row in which the next event waits when `early` ones are waiting."""
    return early // IN_A_ROW + 1


def row_numbers(early: int) -> range:
    """The numbers of the rows in which `early` events are waiting."""
    return range(1, (min(early, MOST_EARLY) + IN_A_ROW - 1) // IN_A_ROW + 1)


def kept(occurrence: Occurrence) -> list[Any]:
    """An occurrence as a row keeps it; its partition is that of the case."""
    data = {
        name: value for name, value in msgspec.to_builtins(occurrence.data).items() if name not in _NOT_KEPT
    }
    event_id, source, time, _, offset, cause_id, _ = occurrence
    return [event_id, source, time, offset, cause_id, occurrence.data.TYPE, data]


def recalled(item: list[Any], partition: int, classes: Mapping[str, type[EventData]]) -> Occurrence:
    """An occurrence that has waited; `classes` are those of its family by their type."""
    event_id, source, time, offset, cause_id, event_type, data = item
    return Occurrence(
        event_id, source, time, partition, offset, cause_id, msgspec.convert(data, classes[event_type])
    )


def by_type(classes: Collection[type[EventData]]) -> dict[str, type[EventData]]:
    """Event classes by their type."""
    return {each.TYPE: each for each in classes}
