"""The access record page by page, newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.projections.moments import datetime_of, microseconds_of, text_of


class Filters(NamedTuple):
    """Which reads are wanted; None means all. `since` is inclusive, `until` exclusive."""

    subjects: Sequence[str] | None = None
    reader: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Place(NamedTuple):
    """Where a page ends: the time of its last read, in microseconds, and its number."""

    recorded_at: int
    number: int


class RecordPage(NamedTuple):
    """Reads as the record has them, and where the next page starts, None after the last."""

    items: list[dict[str, Any]]
    next: Place | None


_CONDITIONS = {
    "subjects": "subject = any({}::text[])",
    "reader": "reader = {}::text",
    "since": "recorded_at >= {}::timestamptz",
    "until": "recorded_at < {}::timestamptz",
}
_PAGE = """
select number, recorded_at, reader, subject, purpose, categories, call from control.access_records
where true{} order by recorded_at desc, number desc limit $1::bigint
"""


async def record_page(connection: Any, filters: Filters, after: Place | None, limit: int) -> RecordPage:
    """A page of the record. Pages that follow each other neither repeat nor skip a read. Raises asyncpg's errors."""
    arguments: list[Any] = [limit + 1]
    conditions = ""
    for name, value in zip(Filters._fields, filters, strict=True):
        if value is not None:
            arguments.append(value)
            conditions += " and " + _CONDITIONS[name].format(f"${len(arguments)}")
    if after is not None:
        arguments += [datetime_of(after.recorded_at), after.number]
        conditions += (
            f" and (recorded_at, number) < (${len(arguments) - 1}::timestamptz, ${len(arguments)}::bigint)"
        )
    found = await connection.fetch(_PAGE.format(conditions), *arguments)
    items = [
        {
            "time": text_of(microseconds_of(each["recorded_at"])),
            "reader": each["reader"],
            "customer": each["subject"],
            "purpose": each["purpose"],
            "categories": list(each["categories"]),
            "call": each["call"],
        }
        for each in found[:limit]
    ]
    if len(found) <= limit:
        return RecordPage(items, None)
    last = found[limit - 1]
    return RecordPage(items, Place(microseconds_of(last["recorded_at"]), last["number"]))
