"""The tables of a generation, each in a schema of its own, and the SQL view through which readers see one of them."""

import asyncpg
from sqlalchemy import Index, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable
from sqlalchemy.sql.ddl import DDLElement

from services.projections.read_models.declaration import Entries, ReadModel


def table_of(read_model: ReadModel, generation: int) -> Table:
    """The table of one generation, in schema `NAME_gN`."""
    return read_model.table.to_metadata(MetaData(schema=f"{read_model.name}_g{generation}"))


async def make_table(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> None:
    """Makes the schema and the table without secondary indexes; entries, which are never searched for while they are
    built, go without their primary key too. `finish_table` makes both.

    What an earlier attempt left under that name is dropped.
    """
    table = table_of(read_model, generation)
    await connection.execute(f"drop schema if exists {table.schema} cascade")
    await connection.execute(f"create schema {table.schema}")
    await connection.execute(_sql(CreateTable(table)))
    if isinstance(read_model.kind, Entries):
        # Dropped rather than left out, so that its columns are NOT NULL as the finished table's are.
        for name in await _primary_key(connection, table):
            await connection.execute(f'alter table {table.schema}.{table.name} drop constraint "{name}"')


async def finish_table(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> None:
    """Makes what the table lacks of its primary key and its indexes, and tells the planner what it holds.

    May be repeated. Blocks writers of this table alone.
    """
    table = table_of(read_model, generation)
    if not await _primary_key(connection, table):
        await connection.execute(_sql(AddConstraint(table.primary_key)))
    for index in _indexes(table):
        await connection.execute(_sql(CreateIndex(index, if_not_exists=True)))
    await connection.execute(f"analyze {table.schema}.{table.name}")


async def drop_table(connection: asyncpg.Connection, view: str, generation: int) -> None:
    """Drops the schema of a generation that readers do not see. Raises asyncpg's errors, also when they do."""
    await connection.execute(f"drop schema if exists {view}_g{generation} cascade")


async def table_fits(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> bool:
    """Whether the generation's table is there with the columns that the read model declares."""
    table = table_of(read_model, generation)
    found = await connection.fetch(_COLUMNS, table.schema, table.name)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    declared = [(column.name, column.type.compile(dialect=dialect).lower()) for column in table.columns]
    made = [row["name"] for row in found]
    return bool(made) and made == [name for name, _ in declared]


async def show_table(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> None:
    """Points the SQL view in `live` to this generation; to be called in a transaction, last.

    Readers wait from here to its end, and it waits for the readers at work: set a lock time-out.
    """
    table = table_of(read_model, generation)
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    query = f"select {columns} from {table.schema}.{table.name}"  # noqa: S608 - names from declarations, never input
    try:
        async with connection.transaction():
            await connection.execute(f"create or replace view live.{table.name} as {query}")
    except (asyncpg.InvalidTableDefinitionError, asyncpg.WrongObjectTypeError):
        await connection.execute(f"drop view live.{table.name}")
        await connection.execute(f"create view live.{table.name} as {query}")


async def _primary_key(connection: asyncpg.Connection, table: Table) -> list[str]:
    return [row["conname"] for row in await connection.fetch(_PRIMARY_KEY, f"{table.schema}.{table.name}")]


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _sql(element: DDLElement) -> str:
    return str(element.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


_PRIMARY_KEY = "select conname from pg_constraint where conrelid = to_regclass($1) and contype = 'p'"

_COLUMNS = """
select column_name as name from information_schema.columns
where table_schema = $1 and table_name = $2 order by ordinal_position
"""
