import asyncio
from typing import Any

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.projections import control_of_operations
from services.projections.engine.generations import live_views
from services.projections.migrate import migrate
from services.projections.read_models.timeline import known, page
from shared.log import embedded_tables
from tests.declared import READ_MODELS


async def test_a_new_database_answers_an_empty_timeline(database_url: str) -> None:
    await migrate(database_url, partitions=3)
    connection = await asyncpg.connect(database_url)
    found = await page(connection, ["pty_nobody"])
    assert (found.items, found.next, found.position.token()) == (b"[]", None, "0")
    assert not await known(connection, "pty_nobody")
    assert await connection.fetchval("select count(*) from log.partitions") == 3
    await connection.close()


async def test_migrating_again_and_at_once_changes_nothing(database_url: str) -> None:
    await asyncio.gather(*(migrate(database_url, partitions=3) for _ in range(3)))
    connection = await asyncpg.connect(database_url)
    generations = await connection.fetch("select view, generation, state from control.generations order by 1")
    assert [tuple(row) for row in generations] == [
        (name, 1, "live") for name in sorted(each.name for each in READ_MODELS)
    ]
    assert [view.read_model for view in await live_views(connection, READ_MODELS)] == list(READ_MODELS)
    await connection.close()


async def test_the_migrated_tables_are_the_ones_the_engine_declares(database_url: str) -> None:
    await migrate(database_url, partitions=3)
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(database_url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        differences = await connection.run_sync(_differences)
    await engine.dispose()
    assert differences == []


def _differences(connection: Connection) -> list[Any]:
    declared = MetaData()
    for metadata in (control_of_operations.metadata, embedded_tables.metadata):
        for table in metadata.tables.values():
            table.to_metadata(declared)
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name in ("control", "log"),
        "version_table_schema": "control",
        "compare_server_default": True,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), declared))
