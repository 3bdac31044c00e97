"""Runs the migrations over the connection `services.projections.migrate` hands in, or on RAPPORT_DATABASE_URL."""

import asyncio
import os

import asyncpg
from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.projections import control_of_operations


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=control_of_operations.metadata,
        include_schemas=True,
        version_table_schema="control",
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run_alone() -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(os.environ["RAPPORT_DATABASE_URL"]),
        poolclass=NullPool,
    )
    async with engine.begin() as connection:
        await connection.exec_driver_sql("create schema if not exists control")
        await connection.run_sync(_run)
    await engine.dispose()


_given: Connection | None = context.config.attributes.get("connection")
if _given is not None:
    _run(_given)
else:
    asyncio.run(_run_alone())
