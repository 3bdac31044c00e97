"""Compares two generations of a view row by row, by hashes that PostgreSQL computes, at one common position."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg
from msgspec import json
from sqlalchemy import JSON, Column, Numeric, Table

from services.projections.engine.barrier import barrier
from services.projections.engine.batch import Decode
from services.projections.engine.generation_tables import tables_of
from services.projections.engine.shadow_run import Target, follow_journal
from services.projections.engine.switch import catch_up
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.positions import Positions

MOST_KEYS = 20


class Difference(NamedTuple):
    """A key whose rows differ: `changed`, `missing` from the shown generation, or `extra` in it."""

    table: str
    key: dict[str, Any]
    how: str


class Comparison(NamedTuple):
    """What comparing a view came to: rows that should be there, how many differ, and the first 20 keys of those.

    `shown` is the generation that readers saw, `recomputed` the one made anew, `position` where both stood.
    """

    view: str
    shown: int
    recomputed: int
    position: Positions
    rows: int
    differing: int
    keys: list[Difference]


@asynccontextmanager
async def one_position(
    connection: asyncpg.Connection, reading: asyncpg.Connection, targets: list[Target], decode: Decode
) -> AsyncIterator[Positions]:
    """Within it `reading` sees the live generations and the targets at exactly this position; the live set goes on.

    Raises what `catch_up` raises.
    """
    await catch_up(connection, targets, decode)
    async with barrier(connection) as positions:
        await follow_journal(reading, targets, decode, positions)
        snapshot = reading.transaction(isolation="repeatable_read", readonly=True)
        await snapshot.start()
        await reading.execute("select 1 from control.live_set")  # takes the snapshot while nothing moves
    try:
        yield positions
    finally:
        await snapshot.rollback()


async def compare(
    reading: asyncpg.Connection, read_model: ReadModel, shown: int, recomputed: int, position: Positions
) -> Comparison:
    """Compares the generation that readers see with one made anew, both at `position`.

    Time grows with the rows, memory does not.
    """
    total = Comparison(read_model.name, shown, recomputed, position, 0, 0, [])
    pairs = zip(tables_of(read_model, shown), tables_of(read_model, recomputed), strict=True)
    for shown_table, recomputed_table in pairs:
        rows, differing, keys = await _compare(reading, shown_table, recomputed_table)
        total = total._replace(
            rows=total.rows + rows,
            differing=total.differing + differing,
            keys=(total.keys + keys)[:MOST_KEYS],
        )
    return total


async def _compare(
    reading: asyncpg.Connection, shown: Table, recomputed: Table
) -> tuple[int, int, list[Difference]]:
    """How many rows should be there, how many differ, and which: rows are matched only where their sums differ."""
    [(rows, wanted)] = await reading.fetch(_sum(recomputed))
    [found] = await reading.fetch(_sum(shown))
    if (rows, wanted) == tuple(found):
        return rows, 0, []
    key = [column.name for column in shown.primary_key.columns]
    statement = _COMPARE.format(
        keys=", ".join(f'"{name}"' for name in key), shown=_hashed(shown), recomputed=_hashed(recomputed)
    )
    differing = await reading.fetch(statement, MOST_KEYS)
    differences = [Difference(str(shown.name), json.decode(row["key"]), row["how"]) for row in differing]
    return rows, differing[0]["differing"] if differing else 0, differences


def _hashed(table: Table) -> str:
    key = ", ".join(f'"{column.name}"' for column in table.primary_key.columns)
    hashed = f"hashtextextended(row({_values(table)})::text, 0)"
    return f"select {key}, {hashed} as hash from {_name(table)}"  # noqa: S608


def _sum(table: Table) -> str:
    """Counts a table's rows and adds up their hashes, in whatever order they stand: a third of what matching takes."""
    hashed = f"hash_record_extended(row({_values(table)}), 0)"
    return f"select count(*), sum({hashed}) from {_name(table)}"  # noqa: S608 - names from declarations, never input


def _values(table: Table) -> str:
    """A row's values such that equal ones are the same to a reader: 1.0 and 1.00 are equal numbers, not equal texts."""
    return ", ".join(f'"{column.name}"{_cast(column)}' for column in table.columns)


def _cast(column: Column[Any]) -> str:
    if isinstance(column.type, JSON):
        return "::jsonb::text"
    return "::text" if isinstance(column.type, Numeric) else ""


def _name(table: Table) -> str:
    return f"{table.schema}.{table.name}"


_COMPARE = """
with differing as materialized (
    select {keys},
        case when shown.hash is null then 'missing' when recomputed.hash is null then 'extra' else 'changed' end as how
    from ({shown}) shown full join ({recomputed}) recomputed using ({keys})
    where shown.hash is distinct from recomputed.hash
)
select (select count(*) from differing) as differing, how,
    (select row_to_json(k)::text from (select {keys}) k) as key
from differing order by {keys} limit $1
"""
