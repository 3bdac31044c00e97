"""Makes and upgrades what PostgreSQL holds: tables by Alembic, then the first generation of each view."""

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import services
from services.projections.declared_views import declared_views
from services.projections.engine.generations import make_first_generation
from services.projections.rules import default_rules

_MIGRATIONS = Path(services.__file__).resolve().parents[1] / "deploy" / "migrations"
_ONE_AT_A_TIME = 0x726170706F7274
_CONNECT_SECONDS = 10


async def migrate(database_url: str, partitions: int) -> None:
    """Brings a database up to this program's shape; `partitions` counts for an embedded log that is made anew.

    May be repeated and run by several processes at once: they queue behind one lock, and each step is a transaction.
    Waits for locks that running services hold. Raises asyncpg's errors, and `OSError` where PostgreSQL is away.
    """
    lock = await asyncpg.connect(database_url, timeout=_CONNECT_SECONDS)
    try:
        await lock.execute("select pg_advisory_lock($1)", _ONE_AT_A_TIME)
        await _upgrade(database_url, partitions)
        async with lock.transaction():
            for read_model in declared_views(default_rules()):  # tables are the same under any rules
                await make_first_generation(lock, read_model)
    finally:
        await lock.close()


async def _upgrade(database_url: str, partitions: int) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(database_url, timeout=_CONNECT_SECONDS),
        poolclass=NullPool,
    )
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("create schema if not exists control")
            await connection.run_sync(_upgrade_to_head, partitions)
    finally:
        await engine.dispose()


def _upgrade_to_head(connection: Connection, partitions: int) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["partitions"] = partitions
    command.upgrade(config, "head")
