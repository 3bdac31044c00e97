"""What led to an event: found by the id that it names, though an id counts only with a source, which it does not name.

The journal has no index of ids alone, which every event would pay for. So the event is looked for where it may be:
under stream keys that are known, and by its hash under sources that are: the event's own, those that most events are
from, as PostgreSQL's statistics tell, and those of the newest events.
"""

from typing import Final, NamedTuple

import asyncpg

from services.projections.sight.journal_look_up import ENTRY_COLUMNS, Entry
from shared.codec import event_hash

MOST_SOURCES: Final = 200
_NEWEST_OF_PARTITION: Final = 200


class Effect(NamedTuple):
    """An event that names a cause: its source, its stream key, and those of the parties that it is of."""

    source: str
    stream_keys: list[str]


async def cause_of(connection: asyncpg.Connection, cause_id: str, effect: Effect) -> Entry | None:
    """The event of an id that led to another, or the first event of the complaint or task of that id.

    None where it is of none of the sources looked under, at most 200. Of several with the id it is the one under the
    effect's stream keys, else of its source, else of a case, else recorded first. Time grows with the events of the
    stream keys, and with sources times partitions. Raises asyncpg's errors.
    """
    rows = await connection.fetch(_SOURCES, MOST_SOURCES, _NEWEST_OF_PARTITION)
    sources = {effect.source, *(row["source"] for row in rows)}
    cases = [f"complaint:{cause_id}", f"task:{cause_id}"]
    hashes = [event_hash(source, cause_id) for source in sources]
    row = await connection.fetchrow(_CAUSE, cause_id, effect.stream_keys, hashes, effect.source, cases)
    return None if row is None else Entry(*row)


_SOURCES = """
select source from (
    select unnest(most_common_vals::text::text[]) as source from pg_stats
    where schemaname = 'control' and tablename = 'journal' and attname = 'source'
    union
    select newest.source from control.positions cross join lateral (
        select source from control.journal
        where partition = positions.partition order by log_offset desc limit $2
    ) newest
) known limit $1
"""

_CAUSE = f"""
select {ENTRY_COLUMNS} from (
    select 1 as rank, {ENTRY_COLUMNS} from control.journal
    where stream_key = any($2::text[]) and event_id = $1
    union all
    select case when applied.source = $4 then 2 else 4 end, applied.*
    from control.positions cross join lateral (
        select {ENTRY_COLUMNS} from control.journal
        where partition = positions.partition and event_hash = any($3::bytea[])
        limit cardinality($3::bytea[])
    ) applied
    union all
    select 3, {ENTRY_COLUMNS} from control.journal where stream_key = any($5::text[])
) found
order by rank, recorded_time, partition, log_offset limit 1
"""  # noqa: S608 - names of columns
"""With its limit the inner query stays as it is: one look in the index of each partition, whatever is planned."""
