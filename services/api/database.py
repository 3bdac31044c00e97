"""PostgreSQL as the API reads it: bounded waits, connections that heal, one error for "it is away"."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg

Connection = asyncpg.Connection
T = TypeVar("T")

_CLOSE_SECONDS: Final = 2.0

_AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
)
_NOT_MIGRATED: Final = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)


class DatabaseUnavailableError(Exception):
    """PostgreSQL does not answer, or holds no views yet, as the message says. Asking again is safe."""


class _ReadingConnection(Connection):
    """A connection that keeps no session state, so that giving it back to the pool costs no round trip."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """Reads through a pool that opens connections on demand, so that it can be made while PostgreSQL is away.

    A read ends within 1.25 times the time-out, waiting for a connection included. A connection on which a
    read failed, timed out or was cancelled is cut, which ends its query in PostgreSQL within 250 ms.
    """

    def __init__(self, pool: asyncpg.Pool, timeout_seconds: float, most_reads: int) -> None:
        self._pool = pool
        self._budget_seconds = 1.25 * timeout_seconds
        self._most_reads = most_reads
        self._reads = 0

    async def read(self, query: Callable[[Any], Awaitable[T]], within_seconds: float | None = None) -> T:
        """What `query` answers on a connection. It may run twice: a connection found dead is replaced once.

        A query that gives its statements more time than connections do says `within_seconds`. Raises
        `DatabaseUnavailableError`; what else the query raises passes through.
        """
        if self._reads >= self._most_reads:
            raise DatabaseUnavailableError(f"{self._reads} reads are waiting for the database already")
        self._reads += 1
        try:
            async with asyncio.timeout(self._budget_seconds if within_seconds is None else within_seconds):
                try:
                    return await self._once(query)
                except Exception as error:
                    if not _found_dead(error):
                        raise
                await self._pool.expire_connections()
                return await self._once(query)
        except Exception as error:
            raise unavailable(error) from error
        finally:
            self._reads -= 1

    async def _once(self, query: Callable[[Any], Awaitable[T]]) -> T:
        connection = await self._pool.acquire()
        try:
            return await query(connection)
        except BaseException as error:
            if not isinstance(error, asyncpg.PostgresError) or _found_dead(error):
                connection.terminate()
            if isinstance(error, TimeoutError):  # the network may have forgotten the others too
                await self._pool.expire_connections()
            raise
        finally:
            await self._pool.release(connection)

    async def replace_connections(self) -> None:
        """Opens every connection anew before its next use: another server may answer by now."""
        await self._pool.expire_connections()


def _found_dead(error: BaseException) -> bool:
    """Whether the connection, not the query, was at fault, so that another one may answer at once."""
    if isinstance(error, asyncpg.QueryCanceledError | TimeoutError | asyncpg.DataError):
        return False
    return isinstance(error, (*_AWAY, asyncpg.InterfaceError))


def unavailable(error: Exception) -> Exception:
    """The error, as `DatabaseUnavailableError` where it means that; that one names no host or query."""
    if isinstance(error, _NOT_MIGRATED):
        return DatabaseUnavailableError(
            "the views do not exist yet: run `rapport migrate` and start a projection"
        )
    if isinstance(error, asyncpg.InterfaceError) and not isinstance(error, asyncpg.DataError):
        return DatabaseUnavailableError("the connection to PostgreSQL was lost")
    if isinstance(error, TimeoutError | asyncpg.QueryCanceledError):
        return DatabaseUnavailableError("PostgreSQL did not answer in time")
    if isinstance(error, _AWAY):
        return DatabaseUnavailableError(f"PostgreSQL cannot be read now ({type(error).__name__})")
    return error


def connection_settings(timeout_seconds: float) -> dict[str, Any]:
    """What every connection of the API is opened with, for asyncpg's `connect` and `create_pool`."""
    return {
        "timeout": timeout_seconds,
        "command_timeout": timeout_seconds,
        "connection_class": _ReadingConnection,
        "server_settings": {
            "application_name": "rapport-api",
            "client_connection_check_interval": "250ms",
            "statement_timeout": f"{int(timeout_seconds * 1000)}ms",
            "default_transaction_read_only": "on",
            "timezone": "UTC",
            "jit": "off",
        },
    }


@asynccontextmanager
async def open_database(
    url: str, *, timeout_seconds: float, connections: int, most_reads: int
) -> AsyncIterator[Database]:
    """A `Database`; entering needs no PostgreSQL, leaving cuts reads that take longer than 2 s."""
    pool = await asyncpg.create_pool(
        url, min_size=0, max_size=connections, **connection_settings(timeout_seconds)
    )
    try:
        yield Database(pool, timeout_seconds, most_reads)
    finally:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await pool.close()
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pool.terminate()
