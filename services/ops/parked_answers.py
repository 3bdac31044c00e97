"""The answers of the commands on parked events, as JSON has them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.projections.control import EVERY_VIEW
from services.projections.engine.parked_discarding import Chosen, Discarded, Reason
from services.projections.engine.parked_redrive import Redriven
from services.projections.sight.described_records import described
from services.projections.sight.parked_listing import Page, ParkedEvent, ParkedRecord, Place
from shared.envelope import RecordedEvent
from shared.log.port import StoredRecord

UNDECODABLE = "undecodable"
"""How people name what is parked for all views; a `*` would want quoting in a shell."""


def stored_name(view: str | None) -> str | None:
    """A view's name as the control tables have it."""
    return EVERY_VIEW if view == UNDECODABLE else view


def said_name(view: str) -> str:
    """A view's name for people."""
    return UNDECODABLE if view == EVERY_VIEW else view


def said_place(place: Place | None) -> str | None:
    """Where a page ended, as `--after` takes it."""
    return None if place is None else f"{said_name(place.view)}:{place.partition}:{place.offset}"


def page_json(page: Page) -> dict[str, Any]:
    """Totals over the groups, the groups, and a page of events; `next` is null on the last one."""
    return {
        "events_total": sum(each.events for each in page.groups),
        "groups": [
            {**each._asdict(), "view": said_name(each.view), "oldest": each.oldest.isoformat()}
            for each in page.groups
        ],
        "events": [event_json(each) for each in page.events],
        "next": said_place(page.next),
    }


def event_json(event: ParkedEvent) -> dict[str, Any]:
    """A parked event without its record."""
    answer = {
        "view": said_name(event.place.view),
        "partition": event.place.partition,
        "offset": event.place.offset,
        "state": "discarded" if event.discarded_at else "parked",
        "stream_key": event.stream_key,
        "event_id": event.event_id,
        "source": event.source,
        "error": event.error,
        "detail": event.detail,
        "attempts": event.attempts,
        "attempts_unanswered": event.unanswered,
        "parked_at": event.parked_at.isoformat(),
    }
    if event.discarded_at is not None:
        answer |= {
            "discarded_at": event.discarded_at.isoformat(),
            "discarded_by": event.discarded_by,
            "reason": event.reason,
        }
    return answer


def record_json(record: ParkedRecord, decode: Callable[[StoredRecord], RecordedEvent[Any]]) -> dict[str, Any]:
    """A parked event with what of its record may be shown."""
    place = record.event.place
    stored = StoredRecord(place.partition, place.offset, record.key, record.value)
    return {**event_json(record.event), **described(stored, decode)}


def redriven_json(done: Redriven) -> dict[str, Any]:
    """What a redrive came to."""
    return {**done._asdict(), "view": said_name(done.view)}


def discarded_json(
    chosen: Chosen, reason: Reason, done: Discarded, redriven: Redriven | None
) -> dict[str, Any]:
    """What a discard came to, and the redrive after it, if one was asked for."""
    at: datetime = reason.at
    return {
        "view": said_name(chosen.view),
        "discarded": done.events,
        "by": reason.by,
        "at": at.isoformat(),
        "reason": reason.why,
        "waiting_behind": done.waiting,
        "keys": done.keys,
        "redriven": None if redriven is None else redriven_json(redriven),
    }
