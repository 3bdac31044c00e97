"""Who is leaving without a word, and what is at stake: those silent for longer than they ever were, by value.

The list is that of stored times: whoever's silence began before `as_of`. Of customers with less than 3 purchase days
there is too little to tell silence from their rhythm, so nobody is alarmed about them; nor about those who left aloud,
by ending the relationship or by a complaint that is open.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from services.projections.analytics.measures import RHYTHM_DAYS
from services.projections.analytics.score import Score
from services.projections.analytics.scores import NO_TIER

ANY_RANK: Final = NO_TIER
"""The rank of who has no tier, so that everybody's is at most this."""


class Place(NamedTuple):
    """Where a page ends: what is asked for on all pages, and the last row by what is at stake and by party.

    `as_of` is in microseconds.
    """

    run_id: str
    as_of: int
    stake: str
    party: str


def is_at_risk(score: Score, as_of: datetime, lowest_rank: int) -> bool:
    """Whether somebody, as they are now, belongs in the list."""
    return (
        score.purchase_days >= RHYTHM_DAYS
        and score.silent_from is not None
        and score.silent_from < as_of
        and score.tier_rank <= lowest_rank
    )


async def rows_at_risk(
    connection: Any, as_of: datetime, lowest_rank: int, after: Place | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Rows of scores, those with most at stake first: `party` and `stake`. Raises asyncpg's errors."""
    if after is None:
        rows: Sequence[Mapping[str, Any]] = await connection.fetch(_FIRST, limit, as_of, lowest_rank)
    else:
        stake = Decimal(after.stake)
        rows = await connection.fetch(_NEXT, limit, as_of, lowest_rank, stake, after.party)
    return rows


async def siblings_at_risk(
    connection: Any, as_of: datetime, lowest_rank: int, parties: Sequence[str]
) -> Sequence[str]:
    """Those of some parties that have a row in the list, in its order. Raises asyncpg's errors."""
    return [row["party"] for row in await connection.fetch(_SIBLINGS, list(parties), as_of, lowest_rank)]


_LISTED: Final = f"""
profiled and purchase_days >= {RHYTHM_DAYS} and silent_from is not null
    and silent_from < $2::timestamptz and coalesce(tier_rank, 5) <= $3::integer
"""
_ORDER: Final = "order by coalesce(value_at_stake, 0) desc, party desc"
_COLUMNS: Final = "party, coalesce(value_at_stake, 0) as stake"
_FIRST: Final = f"select {_COLUMNS} from live.scores where {_LISTED} {_ORDER} limit $1::bigint"  # noqa: S608 - fixed texts
_NEXT: Final = f"""
select {_COLUMNS} from live.scores
where {_LISTED} and (coalesce(value_at_stake, 0), party) < ($4::numeric, $5::text) {_ORDER} limit $1::bigint
"""  # noqa: S608 - fixed texts
_SIBLINGS: Final = f"select party from live.scores where party = any($1::text[]) and {_LISTED} {_ORDER}"  # noqa: S608 - fixed texts
