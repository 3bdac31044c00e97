"""The demo's scoring run: all of the sample's customers, and how right it would have been nine months before."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any, Final

import asyncpg
import httpx

from services.ops.data_directory import Running
from services.ops.demo.complaint_events import NOW
from services.ops.demo.loading import LoadingError
from services.ops.demo.programme import analytics_file
from services.scoring.main import score
from services.scoring.progress import unheard
from services.scoring.scoring_run import Wanted
from shared.events.analytics import AnalyticsRunCompleted
from shared.settings_errors import load_settings

AS_OF: Final = date(1998, 6, 30)
"""The sample's last day."""
TESTED_ON: Final = date(1997, 9, 30)
TESTED_WEEKS: Final = 39
"""The halves that the sample was published with: forecasts are made from one and held against the other."""
MOST_SILENT: Final = 5
_LOOKS: Final = 300
_LOOK_SECONDS: Final = 0.1


async def scored(running: Running, database: asyncpg.Connection) -> AnalyticsRunCompleted:
    """Makes the run and returns when readers see it. Raises what `score` raises, and `LoadingError`."""
    settings = load_settings(
        database_url=running.database, log=running.log, identifier_pepper="not needed to score",
        analytics=analytics_file(),
    )  # fmt: skip
    run = await score(settings, Wanted(AS_OF, TESTED_ON, TESTED_WEEKS), unheard, lambda: NOW)
    for _ in range(_LOOKS):
        if await database.fetchval("select true from live.analytics_runs where run_id = $1", run.run_id):
            return run
        await asyncio.sleep(_LOOK_SECONDS)
    raise LoadingError(
        f"the views did not take up scoring run {run.run_id}; `rapport status` shows how far they are"
    )


async def silent_customers(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Those who are leaving, with most at stake first, as the API tells them."""
    asked = {"limit": str(MOST_SILENT), "as_of": datetime(1998, 7, 1, tzinfo=UTC).isoformat()}
    answer = await client.get("/v1/customers/at-risk", params=asked)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return found
