"""A batch made ready outside the transaction: each record decoded once and folded for every view."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, json

from services.projections.control import EVERY_VIEW, journal
from services.projections.engine.generations import LiveView
from services.projections.engine.parking import Parked, parked_event, parked_record
from shared.codec import UndecodableRecordError
from shared.envelope import AwareDatetime, RecordedEvent, RecordedIdentifier
from shared.log.port import StoredRecord

Decode = Callable[[StoredRecord], RecordedEvent[Any]]
"""Raises `UndecodableRecordError`."""

RowValues = tuple[Any, ...]

JOURNAL_COLUMNS = tuple(journal.columns.keys())
_RECORDS_BEFORE_OTHERS_RUN = 200


class Entry(NamedTuple):
    """One record of the log, and what applying it writes.

    `journal` is None where the record could not be decoded. `rows` has, view by view, the row or None. `parked` is what
    goes to the parked events instead of a view.
    """

    stored: StoredRecord
    event: RecordedEvent[Any] | None
    journal: RowValues | None
    rows: tuple[RowValues | None, ...]
    parked: tuple[Parked, ...]


class _Attributes(Struct, omit_defaults=True):
    """What the journal keeps of a log value beside its columns and its data."""

    dataschema: str
    customer: tuple[RecordedIdentifier, ...] = ()
    linked: tuple[RecordedIdentifier, ...] = ()
    sentat: AwareDatetime | None = None
    traceparent: str | None = None
    causeid: str | None = None


_attributes_json = json.Encoder()


async def prepare(records: Sequence[StoredRecord], decode: Decode, views: Sequence[LiveView]) -> list[Entry]:
    """The entries of the records, in their order. Lets other tasks run in between; may be repeated."""
    entries = []
    for number, stored in enumerate(records):
        if number % _RECORDS_BEFORE_OTHERS_RUN == 0:
            await asyncio.sleep(0)
        entries.append(entry_of(stored, decode, views))
    return entries


def entry_of(stored: StoredRecord, decode: Decode, views: Sequence[LiveView]) -> Entry:
    """One record decoded and folded. Raises nothing on account of the record: what fails is in `parked`."""
    try:
        event = decode(stored)
    except UndecodableRecordError as error:
        return Entry(stored, None, None, (None,) * len(views), (parked_record(EVERY_VIEW, stored, error),))
    rows: list[RowValues | None] = []
    parked: list[Parked] = []
    for view in views:
        rows.append(None)
        if type(event.data) not in view.read_model.consumes:
            continue
        try:
            row = view.read_model.kind.row(event)
            rows[-1] = tuple(row[name] for name in view.columns)
        except Exception as error:  # noqa: BLE001 - whatever a fold raises stops that event in that view alone
            parked.append(parked_event(view.read_model.name, stored, event, error))
    return Entry(stored, event, _journal_row(event), tuple(rows), tuple(parked))


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
