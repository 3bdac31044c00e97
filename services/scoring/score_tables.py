"""The tables that hold the scores of runs, in a schema for each, and the views through which readers see the latest."""

import asyncio
from typing import Final

import asyncpg

_SHOWN_ATTEMPTS: Final = 200
_READERS_WAIT: Final = "20ms"
_DROP_WAIT: Final = "2s"
_PAUSE_SECONDS: Final = 0.05
_VIEWS: Final = ("scores", "associations")


class ScoresBusyError(Exception):
    """Reads that take long kept readers from being pointed to new scores; the message says what to do."""


async def next_schema(connection: asyncpg.Connection) -> str:
    """Makes the schema of the next rows, in the transaction of the caller's. One caller at a time.

    What an earlier attempt left behind that readers never saw is dropped first. Raises asyncpg's errors.
    """
    shown = await _shown(connection)
    for number in await _numbers(connection):
        if shown is None or number > shown:
            await connection.execute(f"drop schema {_schema(number)} cascade")
    made = _schema((shown or 0) + 1)
    await connection.execute(f"create schema {made}")
    await connection.execute(_TABLE.format(made))
    return made


async def finish_table(connection: asyncpg.Connection, schema: str) -> None:
    """Makes keys and indexes of a filled table and tells the planner what it holds. Raises asyncpg's errors."""
    for statement in _INDEXES:
        await connection.execute(statement.format(schema))
    await connection.execute(f"analyze {schema}.scores")


async def show(connection: asyncpg.Connection, schema: str) -> None:
    """Points readers to the rows of a schema, in one transaction, and drops all but these and the ones before.

    May be repeated. Readers wait at most 20 ms: where reads at work keep the views for longer it is tried again, for
    some 15 s in all. Raises `ScoresBusyError` and asyncpg's errors; then readers see what they saw.
    """
    before = await _shown(connection)
    for _ in range(_SHOWN_ATTEMPTS):
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{_READERS_WAIT}'")
                for view in _VIEWS:
                    await _point(connection, view, schema)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            break
    else:
        raise ScoresBusyError(
            "reads that take long kept readers from being pointed to the new scores, so they still see the ones "
            "before; look for long-running queries in pg_stat_activity, then run `rapport score --rows RUN_ID`"
        )
    await _drop_older(connection, schema, before)


async def forget_scores(connection: asyncpg.Connection, parties: list[str]) -> int:
    """Deletes the scores of customers that any of these parties is, of every run kept. Answers how many rows.

    May be repeated. Raises asyncpg's errors.
    """
    gone = 0
    for number in await _numbers(connection):
        rows = await connection.fetch(
            f"delete from {_schema(number)}.scores where parties && $1::text[] returning 1",  # noqa: S608
            parties,
        )
        gone += len(rows)
    return gone


async def _point(connection: asyncpg.Connection, view: str, schema: str) -> None:
    """Points one view; one whose table this run has not made is taken away."""
    if await connection.fetchval("select to_regclass($1) is null", f"{schema}.{view}"):
        await connection.execute(f"drop view if exists live.{view}")
        return
    query = f"select * from {schema}.{view}"  # noqa: S608 - names in the code
    try:
        async with connection.transaction():
            await connection.execute(f"create or replace view live.{view} as {query}")
    except (asyncpg.InvalidTableDefinitionError, asyncpg.WrongObjectTypeError):  # of an older program
        await connection.execute(f"drop view live.{view}")
        await connection.execute(f"create view live.{view} as {query}")


async def _drop_older(connection: asyncpg.Connection, schema: str, before: int | None) -> None:
    kept = {schema, _schema(before) if before is not None else schema}
    for number in await _numbers(connection):
        if _schema(number) in kept:
            continue
        try:
            async with connection.transaction():
                await connection.execute(f"set local lock_timeout = '{_DROP_WAIT}'")
                await connection.execute(f"drop schema {_schema(number)} cascade")
        except asyncpg.LockNotAvailableError:
            continue  # a read is at work on it; the next run drops it


async def _shown(connection: asyncpg.Connection) -> int | None:
    found: int | None = await connection.fetchval(_SHOWN)
    return found


async def _numbers(connection: asyncpg.Connection) -> list[int]:
    return [row["number"] for row in await connection.fetch(_SCHEMAS)]


def _schema(number: int) -> str:
    return f"scores_r{number}"


_SHOWN: Final = """
select substring(table_schema from '^scores_r([0-9]+)$')::integer
from information_schema.view_table_usage
where view_schema = 'live' and view_name = 'scores' and table_name = 'scores'
"""
_SCHEMAS: Final = """
select substring(nspname from '^scores_r([0-9]+)$')::integer as number from pg_namespace
where nspname ~ '^scores_r[0-9]+$' order by 1
"""
_TABLE: Final = """
create table {0}.scores (
    party text not null,
    parties text[] not null,
    run_id text not null,
    as_of timestamptz not null,
    purchase_days integer not null,
    first_purchase date,
    last_purchase date,
    x integer,
    t_x float8,
    t float8,
    recency_days integer,
    monetary numeric,
    r integer,
    f integer,
    m integer,
    p_alive float8,
    silent_from timestamptz,
    silence_days integer,
    usual_gap_days float8,
    clv numeric,
    value_at_stake numeric,
    margin_12m numeric,
    tier text,
    tier_rank smallint not null,
    lifecycle text not null,
    quadrant text,
    loyalty_type text not null,
    coupon_dependence float8,
    dominant_category text,
    currency_mixed boolean not null,
    profiled boolean not null
)
"""
_INDEXES: Final = (
    "alter table {0}.scores add constraint scores_of primary key (party)",
    """
    create index scores_at_risk on {0}.scores (coalesce(value_at_stake, 0) desc, party desc)
    include (silent_from, tier_rank) where profiled and purchase_days >= 3 and silent_from is not null
    """,
    "create index scores_silent_from on {0}.scores (silent_from, party) where silent_from is not null",
    "create index scores_of_parties on {0}.scores using gin (parties)",
)
"""What lists of the departing page by, what silence is told by, and how an erased party is found."""
