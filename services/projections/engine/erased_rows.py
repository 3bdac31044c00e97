"""Takes out the rows of a party that is erased: the same rows live, in a rebuild, and when parked events are redriven.

Rows that go are made by events of the party's own stream key alone. These come in the order of the log, so that what
is left never depends on how partitions are interleaved.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

import asyncpg
from sqlalchemy import Table

from services.projections.engine.generations import LiveView
from services.projections.engine.row_shape import RowValues, shape_of
from services.projections.read_models.declaration import ErasedRows, Key


async def erase_rows(connection: asyncpg.Connection, view: LiveView, parties: Collection[str]) -> None:
    """Deletes the rows that go with some parties, in the caller's transaction. Raises asyncpg's errors."""
    erased = view.read_model.erased
    if erased is not None and parties:
        await connection.execute(_statement(view.table, erased), list(parties))


def goes_with(view: LiveView, party: str, row: Key | RowValues) -> bool:
    """Whether a row goes with a party, told by its key, or by all of its values: they begin with the key's."""
    erased = view.read_model.erased
    if erased is None:
        return False
    places = _places(view.table, erased)
    return row[places[0]] == party and all(not row[place] for place in places[1:])


@lru_cache(maxsize=256)
def _places(table: Table, erased: ErasedRows) -> Sequence[int]:
    columns = shape_of(table).columns
    return [columns.index(name) for name in (erased.party, *((erased.case,) if erased.case else ()))]


@lru_cache(maxsize=256)
def _statement(table: Table, erased: ErasedRows) -> str:
    """Names come from declarations in the code, never from input."""
    own = f" and coalesce({erased.case}, '') = ''" if erased.case else ""
    return f"delete from {table.schema}.{table.name} where {erased.party} = any($1::text[]){own}"  # noqa: S608
