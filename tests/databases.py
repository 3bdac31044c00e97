"""Databases of a server for tests: their URLs, and ones with empty views."""

import os
from typing import Final
from urllib.parse import unquote, urlsplit

import asyncpg

from services.projections.migrate import migrate

_TEMPLATES: Final = f"empty_views_{os.getpid()}_of_"
_ONE_AT_A_TIME: Final = 0x656D707479


def with_database(url: str, name: str) -> str:
    """The same server's URL for another database."""
    parts = urlsplit(url)
    # A URL without a host needs its empty authority kept: urlunsplit would drop the slashes.
    return f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")


async def empty_views(database_url: str, partitions: int) -> None:
    """Puts in a new database's place what `migrate` makes of one, for an embedded log of so many partitions.

    Makes a copy of a database that was migrated once, in a fraction of a migration's time. Nobody may be connected to
    the one it takes the place of. The database that is copied stays on the server until `drop_templates`.
    """
    name, template = unquote(urlsplit(database_url).path[1:]), f"{_TEMPLATES}{partitions}"
    server = await asyncpg.connect(with_database(database_url, "postgres"))
    try:
        await server.execute("select pg_advisory_lock($1)", _ONE_AT_A_TIME)
        if not await server.fetchval("select true from pg_database where datname = $1", template):
            await server.execute(f"create database {template}_making")
            await migrate(with_database(database_url, f"{template}_making"), partitions)
            await server.execute(f"alter database {template}_making rename to {template}")
        await server.execute("select pg_advisory_unlock($1)", _ONE_AT_A_TIME)
        await server.execute(f"drop database {name}")
        await server.execute(f"create database {name} template {template}")
    finally:
        await server.close()


async def drop_templates(server_url: str) -> None:
    """Takes away the databases that this process has copied, from a server that outlives it."""
    server = await asyncpg.connect(with_database(server_url, "postgres"))
    try:
        for row in await server.fetch(
            "select datname from pg_database where starts_with(datname, $1)", _TEMPLATES
        ):
            await server.execute(f"drop database {row['datname']} with (force)")
    finally:
        await server.close()
