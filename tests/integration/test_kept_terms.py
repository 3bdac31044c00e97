"""What a programme promised is kept: a file that takes it back is refused, by whichever worker reads it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from services.projections.kept_terms import TermsRewrittenError, keep_terms
from services.projections.loyalty.programme import Programmes
from services.projections.loyalty.programme_file import parse
from tests.databases import empty_views

NOW = datetime(2026, 5, 10, 12, tzinfo=UTC)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=1)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def programmes(*terms: tuple[str, str]) -> Programmes:
    """One programme; each of its terms is a date and the points for 1.00."""
    tables = [
        f'[[programme.circle.terms]]\neffective_from = {day}\npoints_per_unit = "{points}"\nvalidity_months = 12\n'
        'clawback = "clamp"\ntiers = []\n'
        for day, points in terms
    ]
    head = 'default_programme = "circle"\n[programme.circle]\ntimezone = "Europe/Berlin"\ncurrency = "EUR"\n'
    return parse(head + "".join(tables), "programmes.toml")


async def keep(connection: asyncpg.Connection, *terms: tuple[str, str], now: datetime = NOW) -> None:
    await keep_terms(connection, programmes(*terms), lambda: now)


async def test_the_same_file_is_kept_as_often_as_it_is_read(connection: asyncpg.Connection) -> None:
    for _ in range(2):
        await keep(connection, ("2020-01-01", "1"))


async def test_terms_that_were_in_force_cannot_change(connection: asyncpg.Connection) -> None:
    await keep(connection, ("2020-01-01", "1"))
    with pytest.raises(TermsRewrittenError, match=r"circle effective from 2020-01-01.*differ.*Put them back"):
        await keep(connection, ("2020-01-01", "2"))


async def test_terms_to_come_may_still_change_and_are_kept_once_they_came(
    connection: asyncpg.Connection,
) -> None:
    await keep(connection, ("2020-01-01", "1"), ("2026-07-01", "2"))
    await keep(connection, ("2020-01-01", "1"), ("2026-07-01", "3"))
    later = datetime(2026, 7, 2, tzinfo=UTC)
    await keep(connection, ("2020-01-01", "1"), ("2026-07-01", "3"), now=later)
    with pytest.raises(TermsRewrittenError, match="2026-07-01"):
        await keep(connection, ("2020-01-01", "1"), ("2026-07-01", "4"), now=later)


async def test_terms_that_events_of_tomorrow_may_use_are_in_force_today(
    connection: asyncpg.Connection,
) -> None:
    await keep(connection, ("2020-01-01", "1"), ("2026-05-11", "2"))
    with pytest.raises(TermsRewrittenError, match="2026-05-11"):
        await keep(connection, ("2020-01-01", "1"), ("2026-05-11", "3"))


async def test_a_clock_that_went_back_forgets_no_promise(connection: asyncpg.Connection) -> None:
    await keep(connection, ("2020-01-01", "1"), ("2026-05-01", "2"))
    await keep(connection, ("2020-01-01", "1"), ("2026-05-01", "2"), now=datetime(2026, 4, 1, tzinfo=UTC))
    with pytest.raises(TermsRewrittenError, match="2026-05-01"):
        await keep(connection, ("2020-01-01", "1"), ("2026-05-01", "9"), now=datetime(2026, 4, 1, tzinfo=UTC))
