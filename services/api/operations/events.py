"""A single event as a document: what it says without personal data, what it belongs to, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from services.projections.sight.described_records import described
from services.projections.sight.journal_causes import Effect, cause_of
from services.projections.sight.journal_look_up import (
    Entry,
    Place,
    Standing,
    effects_of,
    position_at,
    record_at,
    standings,
)
from shared.data_schema import version_named_by
from shared.envelope import RecordedEvent
from shared.http.problems import Problem
from shared.log.port import StoredRecord

MOST_EFFECTS: Final = 20

Decode = Callable[[StoredRecord], RecordedEvent[Any]]


async def event_document(
    connection: Any, place: Place, after: Place | None, decode: Decode, consumed: Mapping[str, frozenset[str]]
) -> tuple[dict[str, Any], Place | None] | Problem:
    """The event of a place and where its further effects go on, or the problem 404 `unknown_event`.

    `consumed` are the types that each view of this program takes. Raises asyncpg's errors.
    """
    record = await record_at(connection, place)
    if record is None:
        return await _unknown(connection, place)
    told = described(record, decode)
    event = told.get("event")
    effects: list[Entry] = []
    cause = None
    if event is not None:
        effects = await effects_of(connection, event["id"], after, MOST_EFFECTS + 1)
        cause = await _cause(connection, event)
    document = {
        **place._asdict(),
        "schema_version": None if event is None else version_named_by(event["dataschema"], event["type"]),
        "event": event,
        "undecodable": told.get("undecodable"),
        "record": told.get("record"),
        "cause": cause,
        "effects": [each._asdict() for each in effects[:MOST_EFFECTS]],
        "views": _views(await standings(connection, place), place, event, consumed),
    }
    onward = effects[MOST_EFFECTS - 1] if len(effects) > MOST_EFFECTS else None
    return document, None if onward is None else Place(onward.partition, onward.offset)


async def _cause(connection: Any, event: Mapping[str, Any]) -> dict[str, Any] | None:
    cause_id = event["causeid"]
    if cause_id is None:
        return None
    keys = {event["stream_key"], *(each["party_id"] for each in event["customer"])}
    found = await cause_of(connection, cause_id, Effect(event["source"], sorted(keys)))
    return {"event_id": cause_id, "event": None if found is None else found._asdict()}


def _views(
    found: Sequence[Standing],
    place: Place,
    event: Mapping[str, Any] | None,
    consumed: Mapping[str, frozenset[str]],
) -> list[dict[str, Any]]:
    return [
        {
            "view": each.view,
            "generation": each.generation,
            "state": each.state,
            "outcome": _outcome(each, place),
            "error": each.error,
        }
        for each in found
        if event is None or each.view not in consumed or event["type"] in consumed[each.view]
    ]


def _outcome(standing: Standing, place: Place) -> str:
    if standing.discarded_at is not None:
        return "discarded"
    if standing.parked_at is not None:
        return "parked"
    return "applied" if place.offset < standing.position else "waiting"


async def _unknown(connection: Any, place: Place) -> Problem:
    position = await position_at(connection, place.partition)
    if position is None:
        detail = f"there is no partition {place.partition}; check the place"
    elif place.offset >= position:
        detail = (
            f"the views stand at offset {position} of partition {place.partition} and have not come to {place.offset} "
            "yet; ask again, or see how far they are behind"
        )
    else:
        detail = (
            "nothing was applied from this place: it held a repeat of an event that had been applied before"
        )
    return Problem(404, "unknown_event", detail)
