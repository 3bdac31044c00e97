"""The newest events of the journal, as they were applied."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import asyncpg

from services.projections.sight.journal_look_up import ENTRY_COLUMNS, Entry
from services.projections.sight.positions import Positions

MOST: Final = 200
_COLUMNS: Final = ENTRY_COLUMNS.split(", ")
EXAMINED_A_PARTITION: Final = 2_000
"""How far back a filter looks, in each partition."""


class Wanted(NamedTuple):
    """Which events; None is any."""

    type: str | None = None
    source: str | None = None
    channel: str | None = None


class Tail(NamedTuple):
    """At most `MOST` entries, newest first. `new` of them came after the position that was asked about, and `dropped`
    offsets since then are neither shown nor left out by the filter: more came than fit, or repeats of applied events.
    """

    entries: list[Entry]
    new: int
    dropped: int


async def journal_tail(
    connection: asyncpg.Connection, wanted: Wanted, since: Mapping[int, int] | None, until: Positions
) -> Tail:
    """The newest events below `until`, counted from `since`. Looks at a bounded number of rows of each partition.

    Raises asyncpg's errors.
    """
    most = EXAMINED_A_PARTITION if any(wanted) else MOST
    from_ = {partition: (since or until).get(partition, 0) for partition in until}
    partitions = list(until)
    rows = await connection.fetch(
        _TAIL,
        partitions,
        [until[each] for each in partitions],
        [from_[each] for each in partitions],
        most,
        *wanted,
        MOST,
    )
    entries = [Entry(*(row[name] for name in _COLUMNS)) for row in rows if row["partition"] is not None]
    new = sum(each.offset >= from_[each.partition] for each in entries)
    unseen = _passed(from_, until) - rows[0]["examined_since"]
    return Tail(entries, new, max(0, unseen) + rows[0]["matching_since"] - new)


def _passed(since: Mapping[int, int], until: Mapping[int, int]) -> int:
    return sum(max(0, until[partition] - since[partition]) for partition in until)


_TAIL = f"""
with examined as (
    select newest.*, newest.log_offset >= at.since as is_new
    from unnest($1::integer[], $2::bigint[], $3::bigint[]) as at (partition, until, since)
    cross join lateral (
        select {ENTRY_COLUMNS} from control.journal
        where journal.partition = at.partition and log_offset < at.until
        order by log_offset desc limit $4
    ) newest
), matching as (
    select * from examined
    where ($5::text is null or type = $5) and ($6::text is null or source = $6) and ($7::text is null or channel = $7)
), shown as (
    select {ENTRY_COLUMNS} from matching order by recorded_time desc, partition desc, log_offset desc limit $8
)
select counts.*, shown.*
from (
    select (select count(*) from examined where is_new) as examined_since,
        (select count(*) from matching where is_new) as matching_since
) counts
left join shown on true
order by recorded_time desc, partition desc, log_offset desc
"""  # noqa: S608 - names of columns
