"""Recorded purchases, made by the project's codec, to fill a log before something is measured on it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec

from shared.codec import encode_value, stream_key
from shared.envelope import PostedEvent, RecordedIdentifier
from shared.events.purchase import PurchaseCompleted
from shared.events.vocabulary import Identifier
from shared.field_cipher import NoCipher
from shared.identifiers import PartyIds, normalise
from shared.log.port import Appended, EventLog, LogUnavailableError, LogWriter, NewRecord
from tests.bench.environment import PEPPER
from tests.bench.measurement import BenchError
from tests.bench.processes import wait_until

_FIRST = datetime(2026, 1, 2, 9, tzinfo=UTC)
_CHUNK = 2_000
FULL_DATA = msgspec.json.encode(
    {
        "direction": "inbound",
        "staff": "till-1",
        "location": "hq/north/store-7",
        "order_id": "ORDER",
        "total": {"amount": "37.40", "currency": "EUR"},
        "lines": [
            {"sku": "tea-250", "quantity": 2, "unit_price": {"amount": "9.95", "currency": "EUR"}},
            {"sku": "cup-2", "quantity": 1, "unit_price": {"amount": "17.50", "currency": "EUR"}},
        ],
    }
)
"""A receipt of two lines."""

SHORT_DATA = b'{"order_id":"ORDER","total":{"amount":"12.50","currency":"EUR"},"lines":[]}'
"""No more than what was paid: as much as the entries of the naive timelines hold."""


def customers(count: int) -> list[RecordedIdentifier]:
    """So many members, as ingest records them."""
    party_ids = PartyIds(PEPPER)
    members = [normalise(Identifier("member", f"M{number}"), "DE") for number in range(count)]
    return [
        RecordedIdentifier(member.type, member.value, party_ids.of(member.type, member.value))
        for member in members
        if member is not None
    ]


def purchases(
    count: int, members: list[RecordedIdentifier], template: bytes = FULL_DATA
) -> Iterator[NewRecord]:
    """Log records of `count` purchases 20 s apart, the members taking turns; the same ones on every call.

    `template` is their data, with `ORDER` in the place of the order id.
    """
    party_ids, cipher = PartyIds(PEPPER), NoCipher()
    for number in range(count):
        member = members[number % len(members)]
        raw = template.replace(b"ORDER", b"o-%d" % number)
        data = msgspec.json.decode(raw, type=PurchaseCompleted)
        happened = _FIRST + timedelta(seconds=20 * number)
        posted = PostedEvent(
            specversion="1.0", id=f"fill-{number}", source="/store/bench/till-1", type=PurchaseCompleted.TYPE,
            time=happened, data=msgspec.Raw(raw), channel="store",
        )  # fmt: skip
        value = encode_value(
            posted,
            data,
            version=1,
            channel="store",
            customer=(member,),
            recorded_time=happened,
            cipher=cipher,
        )
        yield NewRecord(stream_key(data, (member,), party_ids).encode(), value)


async def fill(log: EventLog, records: Iterator[NewRecord]) -> int:
    """Appends all records and answers how many; raises `BenchError` when the log refuses one."""
    filled = 0
    async with log.writer() as writer:
        await wait_until(lambda: _takes_writes(writer), "the log to take writes")
        while chunk := list(islice(records, _CHUNK)):
            outcomes = await writer.append(chunk)
            refused = next((one for one in outcomes if not isinstance(one, Appended)), None)
            if refused is not None:
                raise BenchError(f"the log refused a record while it was filled: {refused}")
            filled += len(chunk)
            await asyncio.sleep(0)
    return filled


async def _takes_writes(writer: LogWriter) -> bool:
    try:
        await writer.check_writable()
    except LogUnavailableError:
        return False
    return True
