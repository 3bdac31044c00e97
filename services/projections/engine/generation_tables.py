"""The tables of generations, in a schema for each, and the SQL views through which readers see those of one."""

import asyncpg
from sqlalchemy import Index, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable
from sqlalchemy.sql.ddl import DDLElement

from services.projections.read_models.declaration import Entries, ReadModel


def tables_of(read_model: ReadModel, generation: int) -> tuple[Table, ...]:
    """The tables of one generation, in schema `NAME_gN`, that of the read model's rows first."""
    metadata = MetaData(schema=_schema(read_model.name, generation))
    return tuple(table.to_metadata(metadata) for table in read_model.tables)


async def make_tables(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> None:
    """Makes the schema and the tables without secondary indexes; entries, which are never searched for while they are
    built, go without their primary key too. `finish_tables` makes both.

    What an earlier attempt left under that name is dropped.
    """
    schema = _schema(read_model.name, generation)
    await connection.execute(f"drop schema if exists {schema} cascade")
    await connection.execute(f"create schema {schema}")
    tables = tables_of(read_model, generation)
    for table in tables:
        await connection.execute(_sql(CreateTable(table)))
    for table in tables if isinstance(read_model.kind, Entries) else tables[1:]:
        # Dropped rather than left out, so that its columns are NOT NULL as the finished table's are.
        for name in await _primary_key(connection, table):
            await connection.execute(f'alter table {_name(table)} drop constraint "{name}"')


async def finish_tables(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> None:
    """Makes what the tables lack of primary keys and indexes, and tells the planner what they hold.

    May be repeated. Blocks writers of these tables alone.
    """
    for table in tables_of(read_model, generation):
        if not await _primary_key(connection, table):
            await connection.execute(_sql(AddConstraint(table.primary_key)))
        for index in _indexes(table):
            await connection.execute(_sql(CreateIndex(index, if_not_exists=True)))
        await connection.execute(f"analyze {_name(table)}")


async def drop_tables(connection: asyncpg.Connection, view: str, generation: int) -> None:
    """Drops the schema of a generation that readers do not see. Raises asyncpg's errors, also when they do."""
    await connection.execute(f"drop schema if exists {_schema(view, generation)} cascade")


async def tables_fit(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> bool:
    """Whether the generation's tables are there with the columns that the read model declares."""
    for table in tables_of(read_model, generation):
        made = [row["name"] for row in await connection.fetch(_COLUMNS, table.schema, table.name)]
        if made != [column.name for column in table.columns]:
            return False
    return True


async def show_tables(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> None:
    """Points the SQL views in `live` to this generation; to be called in a transaction, last.

    Readers wait from here to its end, and it waits for the readers at work: set a lock time-out.
    """
    for table in tables_of(read_model, generation):
        await _show(connection, table)


async def _show(connection: asyncpg.Connection, table: Table) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    query = f"select {columns} from {_name(table)}"  # noqa: S608 - names from declarations, never input
    try:
        async with connection.transaction():
            await connection.execute(f"create or replace view live.{table.name} as {query}")
    except (asyncpg.InvalidTableDefinitionError, asyncpg.WrongObjectTypeError):
        await connection.execute(f"drop view live.{table.name}")
        await connection.execute(f"create view live.{table.name} as {query}")


def _schema(view: str, generation: int) -> str:
    return f"{view}_g{generation}"


def _name(table: Table) -> str:
    return f"{table.schema}.{table.name}"


async def _primary_key(connection: asyncpg.Connection, table: Table) -> list[str]:
    return [row["conname"] for row in await connection.fetch(_PRIMARY_KEY, _name(table))]


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))


def _sql(element: DDLElement) -> str:
    return str(element.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


_PRIMARY_KEY = "select conname from pg_constraint where conrelid = to_regclass($1) and contype = 'p'"

_COLUMNS = """
select column_name as name from information_schema.columns
where table_schema = $1 and table_name = $2 order by ordinal_position
"""
