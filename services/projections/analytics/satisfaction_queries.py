"""The answers of a time, read from the view of feedback for the report on satisfaction."""

import asyncio
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from services.projections.analytics.customers_of import customers_of
from services.projections.analytics.satisfaction import (
    DIMENSIONS,
    Csat,
    Group,
    Nps,
    NpsAnswer,
    Satisfaction,
    ServiceQuality,
    nps_by_group,
)
from services.projections.analytics.too_large import REPORT_SECONDS, ReportTooLargeError

Grouping = Literal["channel", "location", "staff", "about"]

VIEWS: Final = ("feedback",)
"""What it is read from, beside the views of identity."""
MOST_CUSTOMERS: Final = 200_000
MOST_GROUPS: Final = 1_000


class AnsweredIn(NamedTuple):
    """A time from `since` to before `until`, as it was known at `as_of`: later answers do not count."""

    since: datetime
    until: datetime
    as_of: datetime


class SatisfactionRead(NamedTuple):
    """Groups by number of answers, most first, and how many more groups there are than are shown."""

    items: list[tuple[Group, Satisfaction]]
    left_out: int


async def satisfaction(connection: Any, answered: AnsweredIn, by: Grouping | None) -> SatisfactionRead:
    """What was answered in a time, altogether (of group None) or by one of the answers' properties, at most 1,000.

    Reads in the snapshot of the caller's transaction. Cost grows with the answers of that time. Raises
    `ReportTooLargeError` where more than 200,000 parties answered, and asyncpg's errors.
    """
    column = f'{by} collate "C"' if by else "null::text"
    given = (answered.since, answered.until, answered.as_of)
    found = await connection.fetch(_NPS.format(by=column), *given, MOST_CUSTOMERS + 1, timeout=REPORT_SECONDS)
    if len(found) > MOST_CUSTOMERS:
        raise ReportTooLargeError(
            f"more than {MOST_CUSTOMERS:,} customers answered in that time; ask for a shorter one"
        )
    answers = [NpsAnswer(*row) for row in found]
    customers = await customers_of(connection, [answer.party for answer in answers])
    nps = await asyncio.to_thread(nps_by_group, answers, customers.of)
    groups: dict[Group, Satisfaction] = {group: Satisfaction(nps=counted) for group, counted in nps.items()}
    for row in await connection.fetch(_CSAT.format(by=column), *given, timeout=REPORT_SECONDS):
        groups[row["of"]] = groups.get(row["of"], Satisfaction())._replace(
            csat=Csat(row["answers"], row["satisfied"], row["total"])
        )
    for row in await connection.fetch(_QUALITY.format(by=column), *given, timeout=REPORT_SECONDS):
        before = groups.get(row["of"], Satisfaction())
        groups[row["of"]] = before._replace(quality=(*before.quality, _quality(row)))
    ordered = sorted(groups.items(), key=lambda each: (-each[1].answers, each[0] is None, each[0] or ""))
    if by is None and not ordered:
        ordered = [(None, Satisfaction(Nps(0, 0, 0)))]
    return SatisfactionRead(ordered[:MOST_GROUPS], max(0, len(ordered) - MOST_GROUPS))


def _quality(row: Any) -> ServiceQuality:
    return ServiceQuality(
        row["answers"],
        tuple(row[f"p_{name}"] for name in DIMENSIONS),
        tuple(row[f"e_{name}"] for name in DIMENSIONS) if row["with_expectations"] else None,
    )


_ANSWERED = "time >= $1::timestamptz and time < $2::timestamptz and time <= $3::timestamptz"
_NPS = f"""
select distinct on (party) party, time, event_id, score, {{by}} as "of"
from live.feedback where instrument = 'nps' and {_ANSWERED}
order by party, time desc, event_id collate "C" desc, score desc, {{by}} desc nulls last limit $4
"""  # noqa: S608 - names in the code
_CSAT = f"""
select {{by}} as "of", count(*) as answers, count(*) filter (where score >= 4) as satisfied, sum(score) as total
from live.feedback where instrument = 'csat' and {_ANSWERED} group by 1
"""  # noqa: S608 - names in the code
_SUMS = ", ".join(
    f"sum((scores ->> '{name}')::int) as p_{name}, sum((expectations ->> '{name}')::int) as e_{name}"
    for name in DIMENSIONS
)
_QUALITY = f"""
select {{by}} as "of", expectations is not null as with_expectations, count(*) as answers, {_SUMS}
from live.feedback where instrument = 'servqual' and {_ANSWERED}
group by 1, 2 order by 2 desc
"""  # noqa: S608 - names in the code
