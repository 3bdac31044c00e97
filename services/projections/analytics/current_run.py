"""The run whose scores are served: that of the rows of `live.scores`."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import json

from services.projections.analytics.runs import document_of
from services.projections.analytics.terms import Terms, terms_of
from shared.events.analytics import AnalyticsRunCompleted


class CurrentRun(NamedTuple):
    """A run, the time that its scores are of, and its document as `/v1/analytics/runs` shows it.

    `terms` is what scores are computed with. `has_rows` is whether the rows of `live.scores` are its own: those of
    a run that was just completed are there some moments before its event is.
    """

    run_id: str
    as_of: datetime
    document: Mapping[str, Any]
    terms: Terms
    has_rows: bool

    @property
    def currency(self) -> str:
        """The currency of its amounts."""
        return self.terms.base_currency


async def current_run(connection: Any) -> CurrentRun | None:
    """The run in force, None before the first one. Of a run that found nobody there are no rows: then it is the newest.

    Two small statements. Raises asyncpg's errors.
    """
    if not await connection.fetchval("select to_regclass('live.scores') is not null"):
        return None
    row = await connection.fetchrow(_CURRENT)
    if row is None:
        return None
    rows_of = row["rows_of"]
    has_rows = rows_of is None or rows_of == row["run_id"]
    return CurrentRun(row["run_id"], row["as_of"], document_of(row), _decoded(row["run"]), has_rows)


@lru_cache(maxsize=4)
def _decoded(run: str) -> Terms:
    """Remembered, because every read of scores asks for the same."""
    return terms_of(json.decode(run, type=AnalyticsRunCompleted))


_CURRENT: Final = """
select run_id, as_of, time, run, scored.rows_of
from live.analytics_runs, (select (select run_id from live.scores limit 1) as rows_of) scored
order by run_id = scored.rows_of desc nulls last, as_of desc, run_id desc limit 1
"""
