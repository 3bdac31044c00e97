"""Reads the complaints that have a breached clock to escalate, page by page, from what readers see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import asyncpg
from msgspec import json

from services.projections.read_models.declaration import Row

PAGE_CASES: Final = 500

_CLOSE_SECONDS: Final = 1.0

_FIRST_PAGE: Final = """
select complaint_id, next_escalation_at, level, channel, clocks from live.complaints
where next_escalation_at < $1
order by next_escalation_at, complaint_id limit $2
"""
_NEXT_PAGE: Final = """
select complaint_id, next_escalation_at, level, channel, clocks from live.complaints
where next_escalation_at < $1 and (next_escalation_at, complaint_id) > ($3, $4)
order by next_escalation_at, complaint_id limit $2
"""


@asynccontextmanager
async def reading_connection(url: str, timeout_seconds: float) -> AsyncIterator[asyncpg.Connection]:
    """A connection for one look, on which nothing takes longer than the time-out. Raises asyncpg's errors."""
    connection = await asyncpg.connect(
        url,
        timeout=timeout_seconds,
        command_timeout=timeout_seconds,
        server_settings={
            "application_name": "rapport-escalator",
            "statement_timeout": f"{int(timeout_seconds * 1000)}ms",
            "default_transaction_read_only": "on",
        },
    )
    try:
        yield connection
    finally:
        try:
            await connection.close(timeout=_CLOSE_SECONDS)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()


async def breached_cases(
    connection: asyncpg.Connection, at: datetime, page_cases: int = PAGE_CASES
) -> AsyncIterator[list[tuple[str, Row]]]:
    """Pages of complaint ids and rows whose `next_escalation_at` is before a time, the longest overdue first.

    Rows hold what `escalations` needs. Each page is read for itself, so a case may have changed since the one before.
    """
    page = await connection.fetch(_FIRST_PAGE, at, page_cases)
    while page:
        yield [(row["complaint_id"], _case(row)) for row in page]
        if len(page) < page_cases:
            return
        last = page[-1]
        page = await connection.fetch(
            _NEXT_PAGE, at, page_cases, last["next_escalation_at"], last["complaint_id"]
        )


def _case(row: Any) -> Row:
    return {"level": row["level"], "channel": row["channel"], "clocks": json.decode(row["clocks"])}
