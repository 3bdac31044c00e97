"""Connections to the PostgreSQL that holds the embedded event log, with bounds on every wait."""

import asyncpg

from shared.log.append_buffer import AWAY_RETRY_SECONDS
from shared.log.port import LogUnavailableError

APPENDED_CHANNEL = "rapport_log"
"""Notified by every transaction that appends."""

AWAY_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # What asyncpg makes of a server that ends the session just when a query begins.
    asyncpg.InternalClientError,
)
"""What a PostgreSQL that is away, stopping, read-only or not migrated raises."""


async def connect(url: str, timeout_seconds: float) -> asyncpg.Connection:
    """A connection whose server ends a transaction its client left behind: no lock outlives its writer.

    Raises one of `AWAY_ERRORS`, after at most `timeout_seconds`.
    """
    bound_ms = str(int(timeout_seconds * 1000))
    return await asyncpg.connect(
        url,
        timeout=timeout_seconds,
        command_timeout=timeout_seconds,
        server_settings={
            "application_name": "rapport event log",
            "synchronous_commit": "on",
            "statement_timeout": bound_ms,
            "lock_timeout": bound_ms,
            "idle_in_transaction_session_timeout": bound_ms,
        },
    )


def worded(error: BaseException) -> str:
    """Why the log is away, for a person."""
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
        return "the embedded event log has no tables; make them with: rapport migrate"
    if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
        return "PostgreSQL takes no writes (it is read-only, or was failed over)"
    said = str(error) or type(error).__name__
    return f"PostgreSQL does not answer ({said})"


def unavailable(error: BaseException) -> LogUnavailableError:
    """The error to raise for one of `AWAY_ERRORS` where nothing was written."""
    return LogUnavailableError(worded(error), retry_after_seconds=AWAY_RETRY_SECONDS, maybe_written=False)
