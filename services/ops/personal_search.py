"""Looks for plain values everywhere: in every column of every table, and in every record of the log."""

import json
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import asyncpg

from shared.log.port import LogReader

_RECORDS: Final = 1000
_POLL_SECONDS: Final = 2.0


class Trace(NamedTuple):
    """Where one of the values was found, and in how many rows or records; never which value."""

    place: str
    times: int


class Searched(NamedTuple):
    """What was looked through, and what was found in it."""

    columns: int
    records: int
    traces: list[Trace]


async def search(
    connection: asyncpg.Connection, reader: LogReader, partitions: Sequence[int], values: Collection[str]
) -> Searched:
    """Looks for values of three characters and more, in plain and as JSON writes them; in either case.

    Reads every table and the whole log, so it takes as long as these are large; nobody waits for it. Memory is bounded.
    Raises asyncpg's errors, `LogTruncatedError` and `LogUnavailableError`.
    """
    needles = sorted({needle for value in values for needle in _spellings(value)})
    columns, traces = await _in_tables(connection, needles)
    records, in_log = await _in_log(reader, partitions, [needle.encode() for needle in needles])
    return Searched(columns, records, [*traces, *in_log])


def _spellings(value: str) -> set[str]:
    written = (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    return {each.lower() for each in written}


async def _in_tables(connection: asyncpg.Connection, needles: Sequence[str]) -> tuple[int, list[Trace]]:
    traces: list[Trace] = []
    columns = await connection.fetch(_COLUMNS)
    by_table: dict[str, list[tuple[str, bool]]] = {}
    for row in columns:
        by_table.setdefault(row["rows"], []).append((row["name"], row["is_bytes"]))
    for rows, of_table in by_table.items():
        counts = await connection.fetchrow(_counting(rows, of_table), list(needles))
        traces += [
            Trace(f"table {rows}, column {name}", count)
            for (name, _), count in zip(of_table, counts or (), strict=True)
            if count
        ]
    return len(columns), traces


def _counting(rows: str, columns: Sequence[tuple[str, bool]]) -> str:
    """Names come quoted from PostgreSQL's own catalogue."""
    in_text = "position(written in lower({name}::text)) > 0"
    in_bytes = (
        "position(encode(convert_to(written, 'UTF8'), 'escape') in lower(encode({name}, 'escape'))) > 0"
    )
    counts = ", ".join(
        "count(*) filter (where exists (select from unnest($1::text[]) as needle (written) where "
        + (in_bytes if is_bytes else in_text).format(name=name)
        + "))"
        for name, is_bytes in columns
    )
    return f"select {counts} from {rows}"  # noqa: S608


async def _in_log(
    reader: LogReader, partitions: Sequence[int], needles: Sequence[bytes]
) -> tuple[int, list[Trace]]:
    bounds = await reader.bounds(partitions)
    await reader.seek({partition: each.first for partition, each in bounds.items()})
    left = sum(each.end - each.first for each in bounds.values())
    seen, found = 0, dict.fromkeys(bounds, 0)
    while seen < left and (records := await reader.poll(_RECORDS, _POLL_SECONDS)):
        for record in records:
            text = (record.key or b"") + b"\0" + (record.value or b"")
            if any(needle in text.lower() for needle in needles):
                found[record.partition] += 1
        seen += len(records)
    return seen, [
        Trace(f"event log, partition {partition}", count) for partition, count in found.items() if count
    ]


_COLUMNS: Final = """
select format('%I.%I', space.nspname, class.relname) as rows, quote_ident(attribute.attname) as name,
    attribute.atttypid = 'bytea'::regtype as is_bytes
from pg_class class
join pg_namespace space on space.oid = class.relnamespace
join pg_attribute attribute on attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
where class.relkind in ('r', 'm') and space.nspname not in ('pg_catalog', 'information_schema')
    and space.nspname not like 'pg\\_%'
order by 1, attribute.attnum
"""
