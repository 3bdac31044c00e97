"""How long ago something was, by the calendar where the business is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.projections.recognition.elapsed import Elapsed, elapsed, lapsed_years

BANGKOK = ZoneInfo("Asia/Bangkok")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("since", "now", "ago"),
    [
        ("2026-07-01T10:00:00Z", "2026-07-01T12:00:00Z", Elapsed(0, 0, 0)),
        ("2026-06-30T16:59:00Z", "2026-06-30T17:01:00Z", Elapsed(1, 0, 1)),  # midnight in Bangkok
        ("2023-06-27T05:00:00Z", "2026-07-01T05:00:00Z", Elapsed(1100, 3, 4)),
        ("2024-02-29T05:00:00Z", "2025-02-28T05:00:00Z", Elapsed(365, 1, 0)),
        ("2024-02-29T05:00:00Z", "2025-02-27T05:00:00Z", Elapsed(364, 0, 364)),
        ("2025-12-31T05:00:00Z", "2026-01-01T05:00:00Z", Elapsed(1, 0, 1)),
    ],
)
def test_days_and_years_are_those_of_the_calendar(since: str, now: str, ago: Elapsed) -> None:
    assert elapsed(at(since), at(now), BANGKOK) == ago


@given(now=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), days=st.integers(0, 30_000))  # noqa: DTZ001
def test_years_and_the_days_left_never_make_another_year(now: datetime, days: int) -> None:
    moment = now.replace(tzinfo=UTC)
    ago = elapsed(moment - timedelta(days=days), moment, BANGKOK)
    assert ago.days_altogether == days
    assert 0 <= ago.days < 366
    assert 365 * ago.years + ago.days <= days <= 366 * ago.years + ago.days


def test_a_time_ahead_by_a_senders_clock_counts_as_now() -> None:
    now = at("2026-07-01T12:00:00Z")
    assert elapsed(now + timedelta(hours=20), now, BANGKOK) == Elapsed(0, 0, 0)


@pytest.mark.parametrize(
    ("last", "years"),
    [
        (None, None),
        ("2026-06-01T05:00:00Z", None),
        ("2025-07-02T05:00:00Z", None),
        ("2025-07-01T05:00:00Z", 1),
        ("2023-07-01T05:00:00Z", 3),
        ("2023-07-02T05:00:00Z", 2),
    ],
)
def test_lapsed_years_are_whole_and_begin_with_the_first(last: str | None, years: int | None) -> None:
    assert lapsed_years(None if last is None else at(last), at("2026-07-01T12:00:00Z"), BANGKOK) == years
