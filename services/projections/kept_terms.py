"""Past terms of loyalty programmes are kept: recorded when they come into force, and held against every later file."""

from datetime import timedelta, timezone

import asyncpg
import structlog

from services.projections.loyalty.past_terms import TermsInForce, in_force, rewritten
from services.projections.loyalty.programme import Programmes
from shared.clock import Clock

_ONE_AT_A_TIME = 0x7465726D73
_FURTHEST_AHEAD = timedelta(hours=24)
"""Events may be of tomorrow, so terms that begin then may be in use today."""
_EARLIEST_ZONE = timezone(timedelta(hours=14))
"""Where a day begins first."""


class TermsRewrittenError(Exception):
    """A programme file takes back what was promised; the message says what, and what to do."""


async def keep_terms(connection: asyncpg.Connection, programmes: Programmes, clock: Clock) -> None:
    """Records the terms in force by now, unless the file rewrites some that were recorded before.

    May be repeated, and by several workers at once. Raises `TermsRewrittenError` and asyncpg's errors.
    """
    day = (clock() + _FURTHEST_AHEAD).astimezone(_EARLIEST_ZONE).date()
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
        recorded = await connection.fetch(
            "select programme, effective_from, content, until from control.terms_in_force"
        )
        broken = rewritten((TermsInForce(*row) for row in recorded), programmes)
        if broken:
            raise TermsRewrittenError(
                "the programme file rewrites what was promised: "
                + "; ".join(broken)
                + ". Points were earned under those terms. Put them back, and add terms with a later effective_from"
            )
        await connection.executemany(_RECORD, [tuple(each) for each in in_force(programmes, day)])
    if not recorded:
        structlog.get_logger("rapport.projections").info("terms_recorded", until=day.isoformat())


_RECORD = """
insert into control.terms_in_force (programme, effective_from, content, until) values ($1, $2, $3, $4)
on conflict (programme, effective_from) do update set until = greatest(terms_in_force.until, excluded.until)
"""
