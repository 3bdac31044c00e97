"""Puts complaint policies into force: for complaints opened from a moment on that all workers agree about."""

import asyncpg
import structlog
from msgspec import json

from services.projections.complaints.policy_content import version_of
from services.projections.engine.barrier import barrier, raise_revision

_ONE_AT_A_TIME = 0x706F6C696379


async def register_policies(connection: asyncpg.Connection, content: str) -> bool:
    """Registers a content unless it is the one in force, and answers whether it did.

    Behind the barrier: complaints that were opened before it keep their policy, and every worker reads the new one
    before it applies another event. May be repeated. Raises asyncpg's errors, `LockNotAvailableError` among them.
    """
    if await connection.fetchval(_LATEST) == content:
        return False
    async with barrier(connection) as positions:
        # Before a log was ever followed there are no positions whose locks would do.
        await connection.execute("select pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
        if await connection.fetchval(_LATEST) == content:
            return False
        await connection.execute(_REGISTER, content, json.encode(positions).decode())
        await raise_revision(connection)
    structlog.get_logger("rapport.projections").info(
        "complaint_policies_in_force", version=version_of(content)
    )
    return True


_LATEST = "select content from control.complaint_policies order by number desc limit 1"

_REGISTER = """
insert into control.complaint_policies (number, content, first_offsets)
select coalesce(max(number), 0) + 1, $1, $2::text::jsonb from control.complaint_policies
"""
