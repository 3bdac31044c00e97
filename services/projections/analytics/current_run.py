"""The run whose scores are served: that of the rows of `live.scores`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.projections.analytics.runs import document_of


class CurrentRun(NamedTuple):
    """A run, the time that its scores are of, and its document as `/v1/analytics/runs` shows it.

    `stored` is the event's data as JSON.
    """

    run_id: str
    as_of: datetime
    document: Mapping[str, Any]
    stored: str


async def current_run(connection: Any) -> CurrentRun | None:
    """The run in force, None before the first one. Of a run that found nobody there are no rows: then it is the newest.

    Two small statements. Raises asyncpg's errors.
    """
    if not await connection.fetchval("select to_regclass('live.scores') is not null"):
        return None
    row = await connection.fetchrow(_CURRENT)
    return None if row is None else CurrentRun(row["run_id"], row["as_of"], document_of(row), row["run"])


_CURRENT: Final = """
select run_id, as_of, time, run from live.analytics_runs
order by run_id = (select run_id from live.scores limit 1) desc nulls last, as_of desc, run_id desc limit 1
"""
