"""The time that a report on customers is about, as a request names it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from services.api.openapi import query_parameter
from services.api.parameters import in_order, invalid_parameter, moment
from services.api.reads import Snapshot
from services.api.routes.loyalty_account import in_one_snapshot, present
from services.projections.analytics.too_large import REPORT_SECONDS, ReportTooLargeError
from services.projections.identity.component import VIEWS
from services.projections.view_positions import position_of
from shared.clock import Clock
from shared.http.problems import Problem

MOST_SECONDS: Final = 2 * REPORT_SECONDS
"""How long a report may take, which holds one connection of few; so there is one of each at a time in a process."""
_TIME: Final = {"type": "string", "format": "date-time"}

FROM: Final = query_parameter("from", "what happened at this time or later; RFC 3339 with an offset", _TIME)
TO: Final = query_parameter("to", "what happened before this time; RFC 3339 with an offset", _TIME)
AS_OF: Final = query_parameter(
    "as_of",
    "the time that is told of, now where absent: what happened later does not count. Not in the future",
    _TIME,
)


def end_of_second(clock: Clock) -> datetime:
    """Now, to the end of this second: what just happened counts, and all answers of a second are of one time."""
    return present(clock) + timedelta(seconds=1)


def past_moment(name: str, given: Mapping[str, str], now: datetime) -> datetime:
    """The time of a parameter, now where it is absent. Raises the problem 422 for one in the future."""
    time = moment(name, given.get(name))
    if time is None:
        return now
    if time > now:
        raise invalid_parameter(name, f"in the future; it is {now.isoformat().replace('+00:00', 'Z')} now")
    return time


def window(given: Mapping[str, str], otherwise: timedelta, ends: datetime) -> tuple[datetime, datetime]:
    """The times of `from` and `to`: so long before `to`, and `ends`, where they are absent. Raises the problem 422."""
    until = moment("to", given.get("to")) or ends
    since = moment("from", given.get("from")) or until - otherwise
    in_order(("from", since), ("to", until))
    return since, until


def in_long_snapshot(query: Callable[[Any], Awaitable[Snapshot]]) -> Callable[[Any], Awaitable[Snapshot]]:
    """The query in one snapshot, given the time a report may take; what is too large as the problem that it is."""

    async def longer(connection: Any) -> Snapshot:
        await connection.execute(f"set local statement_timeout = {int(REPORT_SECONDS * 1000)}")
        try:
            return await query(connection)
        except ReportTooLargeError as error:
            return Snapshot(
                Problem(422, "report_too_large", str(error)), await position_of(connection, VIEWS)
            )

    return in_one_snapshot(longer)


@asynccontextmanager
async def one_report(one_at_a_time: asyncio.Lock) -> AsyncIterator[None]:
    """Holds the lock of a kind of report. Raises the problem 503 `overloaded` where one is made already."""
    if one_at_a_time.locked():
        raise Problem(
            503,
            "overloaded",
            "another report of this kind is being made; send it again",
            retry_after_seconds=5,
        )
    async with one_at_a_time:
        yield
