"""Which stream keys make up a customer: the parties, their cases and the tasks of those, as on the timeline."""

from collections.abc import Sequence

from services.projections.history.reading import Connection

MOST_STREAM_KEYS = 10_000


class TooManyStreamKeysError(Exception):
    """A customer with more complaints and tasks than are looked at together."""


async def stream_keys_of(
    connection: Connection, parties: Sequence[str], most: int = MOST_STREAM_KEYS
) -> list[str]:
    """The stream keys of some parties: their own, those of complaints and tasks with events that name one of them, and
    those of tasks that were made for such a complaint and name nobody.

    The ties are those of `subjects_of`, found in the journal rather than in a view, which may be what is wrong. All
    events of these keys are the customer's, but for events of a case that name somebody else. Raises
    `TooManyStreamKeysError` and asyncpg's errors.
    """
    rows = await connection.fetch(_STREAM_KEYS, list(parties), most + 1)
    if len(rows) > most:
        raise TooManyStreamKeysError(
            f"this customer has more than {most:,} complaints and tasks; look at one stream key at a time"
        )
    return [row["stream_key"] for row in rows]


_STREAM_KEYS = """
with cases as materialized (
    select distinct named.stream_key
    from unnest($1::text[]) as wanted (party_id)
    cross join lateral (
        select own.stream_key from control.journal own
        where own.party_id = wanted.party_id and own.party_id <> own.stream_key
        offset 0
    ) named
    where starts_with(named.stream_key, 'complaint:') or starts_with(named.stream_key, 'task:')
), tasks as (
    select distinct made.stream_key
    from cases
    cross join lateral (
        select own.stream_key from control.journal own
        where own.type = 'task.created' and own.party_id is null
            and own.data ->> 'complaint_id' = substr(cases.stream_key, length('complaint:') + 1)
        offset 0
    ) made
    where starts_with(cases.stream_key, 'complaint:')
)
select stream_key from (
    select unnest($1::text[]) as stream_key union select stream_key from cases union select stream_key from tasks
) every_key
order by stream_key
limit $2
"""
