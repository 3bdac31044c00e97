"""A batch made ready outside the transaction: each record decoded once, and folded as far as needs no stored rows."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, json

from services.projections.control import EVERY_VIEW, journal
from services.projections.engine.attempts import RepeatedCrashError
from services.projections.engine.folding import Contribution, combine_ahead, contribution_of
from services.projections.engine.generations import LiveView
from services.projections.engine.parking import Parked, parked_record
from services.projections.engine.row_shape import RowValues
from services.projections.read_models.declaration import Key, Row
from shared.codec import UndecodableRecordError
from shared.envelope import AwareDatetime, RecordedEvent, RecordedIdentifier
from shared.log.port import StoredRecord

Decode = Callable[[StoredRecord], RecordedEvent[Any]]
"""Raises `UndecodableRecordError`."""

JOURNAL_COLUMNS = tuple(journal.columns.keys())
_RECORDS_BEFORE_OTHERS_RUN = 200


class Entry(NamedTuple):
    """One record of the log, and what applying it writes.

    `journal` is None where the record could not be decoded. `contributions` has, view by view, what the event gives it,
    None for nothing. `parked` is what goes to the parked events instead of every view.
    """

    stored: StoredRecord
    event: RecordedEvent[Any] | None
    journal: RowValues | None
    contributions: tuple[Contribution | None, ...]
    parked: tuple[Parked, ...]


class Batch(NamedTuple):
    """Entries in the order of the log. `ahead` has, view by view, what they come to where that is known already.

    It holds only if every entry is applied: repeats among them, or parked ones, want folding anew.
    """

    entries: Sequence[Entry]
    ahead: tuple[Mapping[Key, Row] | None, ...]


class _Attributes(Struct, omit_defaults=True):
    """What the journal keeps of a log value beside its columns and its data."""

    dataschema: str
    customer: tuple[RecordedIdentifier, ...] = ()
    linked: tuple[RecordedIdentifier, ...] = ()
    sentat: AwareDatetime | None = None
    traceparent: str | None = None
    causeid: str | None = None


_attributes_json = json.Encoder()


async def prepare(records: Sequence[StoredRecord], decode: Decode, views: Sequence[LiveView]) -> Batch:
    """The batch of the records, in their order. Lets other tasks run in between; may be repeated."""
    entries = []
    for number, stored in enumerate(records):
        if number % _RECORDS_BEFORE_OTHERS_RUN == 0:
            await asyncio.sleep(0)
        entries.append(entry_of(stored, decode, views))
    ahead = []
    for number, view in enumerate(views):
        await asyncio.sleep(0)
        ahead.append(combine_ahead(view, contributions_to(number, entries)))
    return Batch(entries, tuple(ahead))


def part_of(entries: Sequence[Entry], views: Sequence[LiveView]) -> Batch:
    """A batch of some entries of another one, or of changed ones."""
    return Batch(entries, (None,) * len(views))


def contributions_to(number: int, entries: Iterable[Entry]) -> list[Contribution]:
    """What the entries give the view of that number, in their order."""
    return [given for entry in entries if (given := entry.contributions[number]) is not None]


def entry_of(stored: StoredRecord, decode: Decode, views: Sequence[LiveView]) -> Entry:
    """One record decoded, and what it gives the views. Raises nothing on account of the record."""
    try:
        event = decode(stored)
    except UndecodableRecordError as error:
        return Entry(stored, None, None, (None,) * len(views), (parked_record(EVERY_VIEW, stored, error),))
    return Entry(
        stored, event, _journal_row(event), tuple([_contribution(view, event) for view in views]), ()
    )


def entry_left_out(
    stored: StoredRecord,
    decode: Decode,
    views: Sequence[LiveView],
    attempt: int,
    left_out: Collection[int] | None,
) -> Entry:
    """One record whose handling ends processes: parked for the views left out, or undecoded where that is None."""
    error = RepeatedCrashError(attempt)
    if left_out is None:
        parked = parked_record(EVERY_VIEW, stored, error)
        return Entry(stored, None, None, (None,) * len(views), (parked._replace(attempts=attempt),))
    try:
        event = decode(stored)
    except UndecodableRecordError:
        return entry_of(stored, decode, views)
    contributions = [
        (Contribution(event, (), error=error) if type(event.data) in view.read_model.consumes else None)
        if number in left_out
        else _contribution(view, event)
        for number, view in enumerate(views)
    ]
    return Entry(stored, event, _journal_row(event), tuple(contributions), ())


def _contribution(view: LiveView, event: RecordedEvent[Any]) -> Contribution | None:
    try:
        return contribution_of(view, event)
    except Exception as error:  # noqa: BLE001 - whatever a fold raises stops that stream key in that view alone
        return Contribution(event, (), error=error)


def _journal_row(event: RecordedEvent[Any]) -> RowValues:
    value = event.record
    attributes = _Attributes(
        dataschema=value.dataschema,
        customer=value.customer,
        linked=value.linked,
        sentat=value.sentat,
        traceparent=value.traceparent,
        causeid=value.causeid,
    )
    return (
        event.partition,
        event.offset,
        event.event_hash,
        event.stream_key,
        event.party_id,
        event.id,
        event.source,
        event.type,
        event.time,
        event.recorded_time,
        event.channel,
        _attributes_json.encode(attributes).decode(),
        bytes(value.data).decode(),
    )
