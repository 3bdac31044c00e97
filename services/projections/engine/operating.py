"""Operations on views: their connections to PostgreSQL, and that one view has one operation at a time."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import asyncpg

from services.projections.sight.verifications import VIEW_LOCK

_CONNECT_SECONDS = 5.0
_CLOSE_SECONDS = 2.0


class ViewBusyError(Exception):
    """Another operation on the view runs: a rebuild, a verification, a switch, or a resumption."""


@asynccontextmanager
async def operating_connection(database_url: str, doing: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that others can recognise by what it does, and that PostgreSQL ends soon after this process.

    Its commits do not wait for the disk: rows and the positions that vouch for them are lost together or not at all.
    Raises asyncpg's errors and `OSError`.
    """
    connection = await asyncpg.connect(
        database_url,
        timeout=_CONNECT_SECONDS,
        server_settings={
            "application_name": f"rapport {doing}"[:63],
            "client_connection_check_interval": "250ms",
            "maintenance_work_mem": "256MB",
            "synchronous_commit": "off",
            "timezone": "UTC",
        },
    )
    try:
        yield connection
    finally:
        with suppress(
            asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError
        ):
            await connection.close(timeout=_CLOSE_SECONDS)


@asynccontextmanager
async def held_views(connection: asyncpg.Connection, views: Sequence[str]) -> AsyncIterator[None]:
    """Keeps other operations off these views until left, or until the connection is gone.

    Raises `ViewBusyError` at once where another one holds a view.
    """
    async with AsyncExitStack() as held:
        for view in sorted(set(views)):
            if not await connection.fetchval(
                "select pg_try_advisory_lock($1, hashtext($2))", VIEW_LOCK, view
            ):
                raise ViewBusyError(await _busy(connection, view))
            held.push_async_callback(_release, connection, view)
        yield


async def _release(connection: asyncpg.Connection, view: str) -> None:
    if not connection.is_closed():
        await connection.execute("select pg_advisory_unlock($1, hashtext($2))", VIEW_LOCK, view)


async def _busy(connection: asyncpg.Connection, view: str) -> str:
    holder = await connection.fetchrow(_HOLDER, VIEW_LOCK, view)
    doing = (
        f"`{holder['application_name']}` runs since {holder['since']} UTC"
        if holder
        else "another operation runs"
    )
    return (
        f"view {view} is busy: {doing}; `rapport status` shows how far it is. Wait for it, or stop it first"
    )


_HOLDER = """
select application_name, to_char(backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as since
from pg_locks join pg_stat_activity using (pid)
where locktype = 'advisory' and granted and classid::bigint = $1::bigint
    and objid::bigint = (hashtext($2)::bigint & 4294967295)
limit 1
"""
