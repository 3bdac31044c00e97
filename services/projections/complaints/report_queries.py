"""The report on complaints, added up by PostgreSQL: the same figures as `report` gives for the same rows."""

from datetime import datetime
from typing import Any, NamedTuple

from services.projections.complaints.report import Grouping

MOST_GROUPS = 1_000


class ReportRead(NamedTuple):
    """Groups by number of complaints, most first, and how many more groups there are than are shown."""

    items: list[dict[str, Any]]
    left_out: int


async def complaint_report(connection: Any, since: datetime, until: datetime, by: Grouping) -> ReportRead:
    """The groups of the complaints opened from `since` to before `until`, at most 1,000, as `report` tells them.

    Cost grows with the complaints of that time. Raises asyncpg's errors.
    """
    found = await connection.fetch(REPORTS[by], since, until, MOST_GROUPS)
    items = [{by: each["value"], **{name: each[name] for name in _FIGURES}} for each in found]
    return ReportRead(items, found[0]["groups"] - len(found) if found else 0)


_FIGURES = ("opened", "resolved", "on_time", "reopened", "median_working_seconds", "p90_working_seconds")

_REPORT = """
select value, opened, resolved, on_time, reopened,
    round(percentiles[1])::bigint as median_working_seconds, round(percentiles[2])::bigint as p90_working_seconds,
    count(*) over () as groups
from (
    select {by} as value,
        count(*) as opened,
        count(resolved_at) as resolved,
        count(*) filter (where resolved_at is not null and on_time) as on_time,
        count(*) filter (where reopened > 0) as reopened,
        percentile_cont(array[0.5, 0.9]) within group (order by working_seconds)
            filter (where resolved_at is not null) as percentiles
    from live.complaints where opened_at >= $1::timestamptz and opened_at < $2::timestamptz
    group by {by}
) figures
order by opened desc, value is null, value collate "C"
limit $3::bigint
"""
_GROUPINGS: tuple[Grouping, ...] = ("cause", "location", "channel", "handling_fault", "level")
REPORTS: dict[Grouping, str] = {by: _REPORT.format(by=by) for by in _GROUPINGS}
"""SQL by grouping, its arguments from, to, and how many groups at most."""
