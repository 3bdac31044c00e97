"""Makes generations of a view, and moves them from state to state."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import asyncpg
from sqlalchemy import Table

from services.projections.engine.generation_tables import finish_tables, make_tables, show_tables, tables_of
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.generations import State, generations


class LiveView(NamedTuple):
    """A read model and the tables of one of its generations, schema included, that of its rows first."""

    read_model: ReadModel
    tables: tuple[Table, ...]

    @classmethod
    def of(cls, read_model: ReadModel, generation: int) -> Self:
        """The view as this generation holds it."""
        return cls(read_model, tables_of(read_model, generation))

    @property
    def table(self) -> Table:
        """The table of its rows, or of its entries where it is made of nothing else."""
        return self.tables[0]


async def add_generation(connection: asyncpg.Connection, read_model: ReadModel) -> int:
    """Makes the next generation of a view, in state `building`, with its bare tables; to be called in a transaction."""
    made: int = await connection.fetchval(
        "insert into control.generations (view, generation, version, state) "
        "select $1, coalesce(max(generation), 0) + 1, $2, 'building' from control.generations where view = $1 "
        "returning generation",
        read_model.name,
        read_model.version,
    )
    await make_tables(connection, read_model, made)
    return made


async def set_state(connection: asyncpg.Connection, view: str, generation: int, state: State) -> None:
    """Changes a generation's state, and where it is to be shown takes note of when."""
    await connection.execute(
        "update control.generations set state = $3, "
        "switched_at = case when $3 = 'live' then clock_timestamp() else switched_at end "
        "where view = $1 and generation = $2",
        view,
        generation,
        state,
    )


async def make_first_generation(connection: asyncpg.Connection, read_model: ReadModel) -> None:
    """Makes generation 1 unless the read model has a generation. To be called in a transaction, one caller at a time.

    Where no event was applied yet it is live at once; else it waits for its rebuild, outside the live set.
    """
    if await generations(connection, read_model.name):
        return
    made = await add_generation(connection, read_model)
    if await connection.fetchval("select exists (select from control.journal)"):
        return
    await finish_tables(connection, read_model, made)
    await set_state(connection, read_model.name, made, "live")
    await show_tables(connection, read_model, made)


async def live_views(
    connection: asyncpg.Connection, read_models: Sequence[ReadModel]
) -> tuple[LiveView, ...]:
    """The views of the live set, in the order of the read models, as far as these are of the declared versions."""
    live = {each.view: each for each in await generations(connection) if each.state == "live"}
    return tuple(
        LiveView.of(read_model, found.generation)
        for read_model in read_models
        if (found := live.get(read_model.name)) is not None and found.version == read_model.version
    )
