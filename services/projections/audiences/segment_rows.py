"""Rows of scores that a segment may have, and how many there are."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.projections.audiences.granted import granted
from services.projections.segments.prefilter import Prefilter
from shared.events.consent import ConsentPurpose

FIRST_ARGUMENT: Final = 4
"""The number of the first parameter of a prefilter in these statements."""
ROWS_A_BATCH: Final = 500


class Count(NamedTuple):
    """How many customers are in a segment, and how many would be but have not consented to being told of."""

    customers: int
    left_out: int


async def rows_after(
    connection: Any, prefilter: Prefilter, after: str | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Rows whose stored scores a segment may have, by party, after one. Raises asyncpg's errors."""
    statement = _ROWS.format(prefilter.condition)
    rows: Sequence[Mapping[str, Any]] = await connection.fetch(
        statement, limit, after or "", [], *prefilter.arguments
    )
    return rows


async def row_batches(connection: Any, prefilter: Prefilter) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    """All of them, in batches. Raises asyncpg's errors."""
    after: str | None = None
    while True:
        rows = await rows_after(connection, prefilter, after, ROWS_A_BATCH)
        if rows:
            yield rows
        if len(rows) < ROWS_A_BATCH:
            return
        after = rows[-1]["party"]


async def parties_with_rows(connection: Any, prefilter: Prefilter, parties: Sequence[str]) -> Sequence[str]:
    """Those of some parties that have a row that the segment may have, by party. Raises asyncpg's errors."""
    statement = _PARTIES.format(prefilter.condition)
    found = await connection.fetch(statement, 0, "", list(parties), *prefilter.arguments)
    return [row["party"] for row in found]


async def counted_rows(connection: Any, prefilter: Prefilter, purposes: Sequence[ConsentPurpose]) -> Count:
    """How many customers there are of whom an exact prefilter holds, by whether they consented to all of the purposes.

    One statement; parties are those of each customer at the run. Raises asyncpg's errors.
    """
    consented = " and ".join(granted(f"'{each}'", "scores.parties") for each in purposes)
    statement = _COUNT.format(consented, prefilter.condition)
    row = await connection.fetchrow(statement, 0, "", [], *prefilter.arguments)
    return Count(row["customers"], row["left_out"])


# Each names all parameters, whether it uses them or not, so that those of the prefilter are numbered alike.
_UNUSED: Final = "$1::bigint is not null and $2::text is not null and $3::text[] is not null"
_ROWS: Final = f"""
select * from live.scores scores
where {_UNUSED} and {{}} and scores.party > $2::text order by scores.party limit $1::bigint
"""  # noqa: S608 - fixed texts
_PARTIES: Final = f"""
select scores.party from live.scores scores
where {_UNUSED} and {{}} and scores.party = any($3::text[]) order by scores.party
"""  # noqa: S608 - fixed texts
_COUNT: Final = f"""
select count(*) filter (where allowed) as customers, count(*) filter (where not allowed) as left_out
from (select {{}} as allowed from live.scores scores where {_UNUSED} and {{}} offset 0) judged
"""  # noqa: S608 - fixed texts
