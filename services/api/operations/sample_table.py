"""The samples that all API processes of a deployment share: a row for each few seconds in `control.lag_samples`.

Whoever looks first in a slot of the database's clock writes its row. No process has to be elected or missed for that.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec

from services.api.database import Database, unavailable
from services.api.operations.sample import STEP_SECONDS, STEPS, Sample, ViewLag

MOST_SAMPLES: Final = 200
"""Samples that one read answers: those of a quarter of an hour, and some."""
KEPT: Final = timedelta(seconds=STEPS * STEP_SECONDS + 60)
"""How long rows stay."""

_SINCE: Final = f"""
select slot, extract(epoch from statement_timestamp() - taken_at)::float8 as age_seconds,
    head::text, log_error, views::text,
    slot = date_bin($2::interval, statement_timestamp(), timestamptz 'epoch') as of_now
from control.lag_samples where slot >= $1 order by slot desc limit {MOST_SAMPLES}
"""  # noqa: S608 - a fixed number
_ADD: Final = """
with outdated as (delete from control.lag_samples where taken_at < statement_timestamp() - $2::interval)
insert into control.lag_samples (slot, taken_at, head, log_error, views)
values (
    date_bin($1::interval, statement_timestamp(), timestamptz 'epoch'), statement_timestamp(),
    $3::jsonb, $4, $5::jsonb
)
on conflict (slot) do update
set taken_at = excluded.taken_at, head = excluded.head, log_error = null, views = excluded.views
where lag_samples.log_error is not null and excluded.log_error is null
"""

_heads: Final = msgspec.json.Decoder(dict[int, int]).decode
_lags: Final = msgspec.json.Decoder(dict[str, ViewLag]).decode


class SharedSample(NamedTuple):
    """A row: its slot by the database's clock, and what it tells by the clock of who reads."""

    slot: datetime
    sample: Sample


class SharedSamples(NamedTuple):
    """Rows, oldest first. `looked` says whether somebody who reached the log wrote that of the slot that is now."""

    rows: list[SharedSample]
    looked: bool


class SampleTable:
    """The table. `connect` opens a connection that may write, which is closed after each use; `slot` is the time that
    has one sample, of all processes the same.
    """

    def __init__(
        self, database: Database, connect: Callable[[], Awaitable[asyncpg.Connection]], slot: timedelta
    ) -> None:
        self._database = database
        self._connect = connect
        self._slot = slot

    async def since(self, slot: datetime, now: datetime) -> SharedSamples:
        """The newest rows from a slot on; `now` is the time of who reads.

        Clocks of machines may differ: a sample is as old as the database says. Raises `DatabaseUnavailableError`.
        """
        rows = await self._database.read(lambda connection: connection.fetch(_SINCE, slot, self._slot))
        return SharedSamples(
            [_shared(row, now) for row in reversed(rows)],
            any(row["of_now"] and row["log_error"] is None for row in rows),
        )

    async def add(self, sample: Sample) -> None:
        """Writes the sample of the slot that is now, and deletes rows of more than a quarter of an hour ago.

        Where the slot has one it stays, unless that one did not reach the log and this one did. Raises
        `DatabaseUnavailableError`.
        """
        head = msgspec.json.encode(sample.head).decode()
        views = msgspec.json.encode(sample.views).decode()
        try:
            connection = await self._connect()
            try:
                await connection.execute(_ADD, self._slot, KEPT, head, sample.log_error, views)
            finally:
                await connection.close(timeout=1)
        except Exception as error:
            raise unavailable(error) from error


def _shared(row: Any, now: datetime) -> SharedSample:
    at = now - timedelta(seconds=max(0.0, row["age_seconds"]))
    sample = Sample(at, _heads(row["head"]), row["log_error"], _lags(row["views"]))
    return SharedSample(row["slot"], sample)
