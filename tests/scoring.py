"""What tests of scoring runs share: customers who bought, a deployment over a log in memory, and the runs of it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import asyncpg

from services.ops.demo.sample import purchases
from services.projections.analytics.settings_file import AnalyticsSettings
from services.scoring.main import acceptance_of
from services.scoring.progress import unheard
from services.scoring.scoring_run import Scoring, Wanted
from shared.clock import Clock
from shared.events.analytics import AnalyticsRunCompleted
from tests.api_reader import settings
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, projection, reached, worker
from tests.strategies import JsonObject

NOW: Final = datetime(1998, 7, 1, tzinfo=UTC)
DOLLARS: Final = AnalyticsSettings(
    zone="UTC", base_currency="USD", margin=0.3, discount_rate=0.1, horizon_weeks=52, rates={}, rates_version="1"
)  # fmt: skip


def named(customer: str) -> list[JsonObject]:
    """A customer as events name them."""
    return [{"type": "member", "value": customer}]


def event(kind: str, event_id: str, at: datetime, **data: Any) -> JsonObject:
    """An event as posted."""
    return {
        "specversion": "1.0", "id": event_id, "source": "/store/bkk-01/pos-3", "type": kind, "time": at.isoformat(),
        "channel": "store", "data": data,
    }  # fmt: skip


def bought(
    customer: str, day: date, amount: Decimal | str = "10", order: str | None = None, **more: Any
) -> JsonObject:
    """A purchase at noon of a day; `order` follows from customer and day."""
    order = order or f"{customer}/{day}"
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    total = {"amount": f"{amount}", "currency": more.pop("currency", "USD")}
    data = {"customer": named(customer), "order_id": order, "total": total, "lines": [], **more}
    return event("purchase.completed", f"bought-{order}", at, **data)


def sample() -> list[JsonObject]:
    """All 6,919 purchases of the CDNOW sample."""
    return [
        bought(f"{each.sample_id}-{each.master_id}", each.day, each.dollars, f"o-{each.row}")
        for each in purchases()
    ]


class Scored(NamedTuple):
    """A database with views, and the log that they follow."""

    url: str
    log: MemoryLog

    async def see(self, events: Iterable[JsonObject]) -> None:
        """Appends events and returns when the views show them."""
        await append(self.log, events)
        await self.catch_up()

    async def catch_up(self) -> None:
        """Returns when the views show all that the log holds."""
        connection = await asyncpg.connect(self.url)
        try:
            async with worker(projection(self.url, self.log)):
                await reached(connection, end_of(self.log))
        finally:
            await connection.close()

    async def run(
        self,
        wanted: Wanted,
        under: AnalyticsSettings = DOLLARS,
        *,
        clock: Clock = lambda: NOW,
        rows_of: str | None = None,
    ) -> AnalyticsRunCompleted:
        """A run, or the rows of one that is recorded."""
        async with self.log.writer() as writer:
            acceptance = acceptance_of(settings(self.url))
            scoring = Scoring(self.url, writer, acceptance, under, clock, clock)
            if rows_of is not None:
                return await scoring.rows(rows_of, unheard)
            return await scoring.run(wanted, unheard)

    async def rows(self, query: str = "select * from live.scores order by party") -> list[Mapping[str, Any]]:
        """What readers see."""
        connection = await asyncpg.connect(self.url)
        try:
            return [dict(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()
