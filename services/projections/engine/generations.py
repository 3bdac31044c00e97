"""Generations of a view: each has a schema of its own, and readers see the live one through schema `live`."""

from typing import NamedTuple

import asyncpg
from sqlalchemy import MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from services.projections.read_models.declaration import ReadModel


class LiveView(NamedTuple):
    """A read model and the table of its live generation, schema included."""

    read_model: ReadModel
    table: Table
    columns: tuple[str, ...]


class ViewOutdatedError(Exception):
    """A view's live generation was made by another version of its read model than this program declares."""

    def __init__(self, view: str, found: int | None, declared: int) -> None:
        has = "no live generation" if found is None else f"a live generation of version {found}"
        do = "run `rapport migrate`" if found is None else f"run `rapport rebuild {view}`"
        super().__init__(f"view {view} has {has}, this program projects version {declared}: {do}")


def table_of(read_model: ReadModel, generation: int) -> Table:
    """The table of one generation, in schema `NAME_gN`."""
    return read_model.table.to_metadata(MetaData(schema=f"{read_model.name}_g{generation}"))


async def make_first_generation(connection: asyncpg.Connection, read_model: ReadModel) -> None:
    """Makes generation 1 and its `live` view unless the read model has a generation.

    To be called in a transaction, which one caller at a time runs.
    """
    if await connection.fetchval(
        "select true from control.generations where view = $1 limit 1", read_model.name
    ):
        return
    table = table_of(read_model, 1)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    await connection.execute(f"create schema {table.schema}")
    await connection.execute(str(CreateTable(table).compile(dialect=dialect)))
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        await connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    generation = f"{table.schema}.{table.name}"  # names from declarations in the code, never from input
    await connection.execute(f"create view live.{table.name} as select * from {generation}")  # noqa: S608
    await connection.execute(
        "insert into control.generations (view, generation, version, state) values ($1, 1, $2, 'live')",
        read_model.name,
        read_model.version,
    )


async def live_views(
    connection: asyncpg.Connection, read_models: tuple[ReadModel, ...]
) -> tuple[LiveView, ...]:
    """The live generation of each read model. Raises `ViewOutdatedError`; may be repeated."""
    rows = await connection.fetch(
        "select view, generation, version from control.generations where state = 'live'"
    )
    live = {row["view"]: (row["generation"], row["version"]) for row in rows}
    views = []
    for read_model in read_models:
        generation, version = live.get(read_model.name, (None, None))
        if generation is None or version != read_model.version:
            raise ViewOutdatedError(read_model.name, version, read_model.version)
        table = table_of(read_model, generation)
        views.append(LiveView(read_model, table, tuple(table.columns.keys())))
    return tuple(views)
