"""Events of a case that come before the one that begins it: they wait, in log order, and apply after it.

They wait in rows of their own, fifty in a row, so that an early event costs the same however many wait, and each is
loaded once more when the case begins. A case's first row, part 0, counts them. Personal texts do not wait.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from services.projections.moments import microseconds_of
from services.projections.read_models.declaration import Key, Needs, Row
from shared.envelope import RecordedEvent
from shared.events.data import EventData

IN_A_ROW = 50
MOST_EARLY = 100_000
"""How many events of one case may wait. Further ones are kept in its history as an anomaly, and change nothing."""
TOO_MANY_EARLY = "too_many_before_its_beginning"
"""That anomaly."""

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


def is_full(early: int) -> bool:
    """Whether no more events may wait when `early` ones came."""
    return early >= MOST_EARLY


def refused(early: int) -> int:
    """How many of `early` events were not let wait."""
    return max(0, early - MOST_EARLY)


def with_waiting(
    rows: Mapping[Key, Row | None], case_id: str, occurrence: Occurrence, early: int, empty: Row
) -> Mapping[Key, Row | None] | Needs:
    """The rows in which one more event waits after `early` others, or those needed to say; `empty` is a row without
    a value. Not for a full case.
    """
    key = (case_id, early // IN_A_ROW + 1)
    if key not in rows:
        return Needs((key,))
    row = rows[key]
    waiting = [*(row["waiting"] if row else ()), _kept(occurrence)]
    return {(case_id, 0): {**empty, "early": early + 1}, key: {**empty, "waiting": waiting}}


def waiting_keys(case_id: str, early: int) -> list[Key]:
    """The keys of the rows in which events wait, once `early` came."""
    rows = -(-min(early, MOST_EARLY) // IN_A_ROW)
    return [(case_id, number) for number in range(1, rows + 1)]


def waiting_in(
    rows: Mapping[Key, Row | None],
    keys: Sequence[Key],
    partition: int,
    classes: Mapping[str, type[EventData]],
) -> Iterator[Occurrence]:
    """The events that wait in some rows, in log order; `classes` are those of their family by type."""
    for key in keys:
        row = rows[key]
        for item in row["waiting"] if row else ():
            yield _recalled(item, partition, classes)


def by_type(classes: Collection[type[EventData]]) -> dict[str, type[EventData]]:
    """Event classes by their type."""
    return {each.TYPE: each for each in classes}


def _kept(occurrence: Occurrence) -> list[Any]:
    """An occurrence as a row keeps it; its partition is that of the case."""
    given = msgspec.to_builtins(occurrence.data)
    data = {name: value for name, value in given.items() if name not in _NOT_KEPT}
    event_id, source, time, _, offset, cause_id, _ = occurrence
    return [event_id, source, time, offset, cause_id, occurrence.data.TYPE, data]


def _recalled(item: Sequence[Any], partition: int, classes: Mapping[str, type[EventData]]) -> Occurrence:
    event_id, source, time, offset, cause_id, event_type, given = item
    data = msgspec.convert(given, classes[event_type])
    return Occurrence(event_id, source, time, partition, offset, cause_id, data)
