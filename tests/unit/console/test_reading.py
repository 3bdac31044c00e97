"""How screens put what the API answers: times, days, runs, bars, lines, and what is withheld."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.access.reader import Reader
from services.api.access.roles import rights_of
from services.api.console.moments import clock_time, day_name, due, duration, instant, short, working
from services.api.console.points_chart import HEIGHT, WIDTH, points_chart
from services.api.console.search import Guess, customer_named, guesses
from services.api.console.timeline_days import SHORTEST_RUN, days
from services.api.console.visitors import Visitor
from services.api.console.withheld import closed

BANGKOK = ZoneInfo("Asia/Bangkok")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(number: int, time: datetime, *, page_view: bool) -> dict[str, Any]:
    data = {"kind": "page_view" if page_view else "call"}
    return {"event_id": f"e{number}", "type": "interaction.recorded", "time": time.isoformat(), "data": data}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "under 1 min"), (59, "under 1 min"), (60, "1 min"), (3600, "1 h"), (12_000, "3 h 20 min"), (90_000, "1 d 1 h"),
     (86_400 * 13 + 7200, "13 d 2 h"), (86_400 * 40 + 7200, "40 d"), (-3600, "1 h")],
)  # fmt: skip
def test_a_length_of_time_is_told_in_two_units(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_a_deadline_says_how_far_away_it_is_and_on_which_side() -> None:
    assert due(NOON + timedelta(minutes=200), NOON) == "in 3 h 20 min"
    assert due(NOON, NOON) == "in under 1 min"
    assert due(NOON - timedelta(days=2, hours=4), NOON) == "2 d 4 h late"


def test_a_day_is_the_places_not_the_browsers() -> None:
    assert day_name(instant("2026-01-30T20:00:00Z"), BANGKOK) == "Sat 31 Jan 2026"


def test_an_hour_that_comes_twice_is_told_apart_and_no_other() -> None:
    night = datetime(2026, 10, 25, tzinfo=UTC)
    told = [clock_time(night + timedelta(minutes=minute), BERLIN) for minute in (-1, 30, 90, 120)]
    assert told == ["01:59", "02:30 CEST", "02:30 CET", "03:00"]
    assert short(night + timedelta(minutes=90), BERLIN) == "25 Oct 2026, 02:30 CET"
    assert clock_time(datetime(2026, 3, 29, 1, tzinfo=UTC), BERLIN) == "03:00"


def test_working_time_is_told_in_hours_however_long() -> None:
    assert [working(each) for each in (30, 5400, 86_400, 60)] == [
        "under 1 min",
        "1 h 30 min",
        "24 h",
        "1 min",
    ]


def test_the_night_of_an_hour_twice_has_one_day() -> None:
    twice = [entry(1, datetime(2026, 10, 25, 1, 30, tzinfo=UTC), page_view=False),
             entry(2, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), page_view=False)]  # fmt: skip
    [day] = days(twice, BERLIN)
    assert (day.name, len(day.stretches)) == ("Sun 25 Oct 2026", 2)


@given(
    st.lists(st.tuples(st.integers(0, 72), st.booleans()), max_size=40).map(
        lambda drawn: [
            entry(number, NOON - timedelta(hours=hours), page_view=page_view)
            for number, (hours, page_view) in enumerate(sorted(drawn, key=lambda each: each[0]))
        ]
    )
)
def test_every_entry_stands_once_in_its_order_whatever_is_folded(items: list[dict[str, Any]]) -> None:
    drawn = [each for day in days(items, BANGKOK) for stretch in day.stretches for each in stretch.items]
    assert drawn == items
    folded = [stretch for day in days(items, BANGKOK) for stretch in day.stretches if stretch.quiet]
    assert all(len(each.items) >= SHORTEST_RUN for each in folded)


def test_a_run_of_page_views_is_one_line_and_a_call_between_them_is_read() -> None:
    items = [entry(number, NOON - timedelta(minutes=number), page_view=number != 3) for number in range(7)]
    [day] = days(items, BANGKOK)
    assert [(len(each.items), each.quiet) for each in day.stretches] == [
        (3, "3 pages viewed"), (1, None), (3, "3 pages viewed"),
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["0171 1234567", "+49171-123.45/67", "(030) 12345", " 0171 "])
def test_digits_may_be_a_phone_number_or_a_card(typed: str) -> None:
    assert [each.type for each in guesses(typed)] == ["member", "account", "phone", "external"]


def test_an_address_is_looked_up_as_one_and_a_word_as_a_number_of_some_system() -> None:
    assert guesses(" Ada@Example.org ") == [
        Guess("email", "Ada@Example.org"), Guess("external", "Ada@Example.org"),
    ]  # fmt: skip
    assert [each.type for each in guesses("gold-17")] == ["member", "account", "external"]
    assert guesses("   ") == []


def test_a_customers_own_id_is_looked_up_by_nothing() -> None:
    assert customer_named(" cus_4sgz4wqcsr2v7ncj5hrsd2otlu ") == "cus_4sgz4wqcsr2v7ncj5hrsd2otlu"
    assert customer_named("cus_nobody") is None


def ledger(*steps: tuple[int, int]) -> list[dict[str, Any]]:
    """Entries newest first, of (day, points)."""
    balance, made = 0, []
    for day, points in steps:
        balance += points
        time = (NOON + timedelta(days=day)).isoformat()
        made.append({"time": time, "points": points, "balance_after": balance})
    return made[::-1]


def test_a_balance_is_a_line_of_steps_from_the_first_entry_to_the_last() -> None:
    chart = points_chart(ledger((0, 100), (5, -40), (10, 20)))
    assert chart is not None
    assert chart.path == "M8.0 152.0H8.0V8.0H320.0V65.6H632.0V36.8H632"
    assert (chart.zero, chart.least, chart.most) == (152.0, 0, 100)


def test_one_entry_is_no_line() -> None:
    assert points_chart(ledger((0, 100))) is None


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(-500, 500)), min_size=2, max_size=60).map(sorted))
def test_a_line_of_points_stays_within_its_picture(steps: list[tuple[int, int]]) -> None:
    chart = points_chart(ledger(*steps))
    assert chart is not None
    numbers = [
        float(each) for each in chart.path.replace("M", " ").replace("H", " ").replace("V", " ").split()
    ]
    assert min(numbers) >= 0
    assert max(numbers) <= max(WIDTH, HEIGHT)
    assert 0 <= chart.zero <= HEIGHT


def visitor(*roles: str) -> Visitor:
    return Visitor(Reader("key:k", frozenset(roles), rights_of(frozenset(roles), None)), None, signed_in=True)


def test_what_is_withheld_says_which_purpose_would_open_it_and_whose_that_is() -> None:
    [contact, health] = closed({"health", "contact"}, visitor("front_line"))
    assert (contact.category, contact.own) == ("contact", ["ordering"])
    assert (health.category, health.own, health.others) == ("health", [], ["care"])


def test_a_purpose_that_is_not_ones_own_is_ones_first() -> None:
    assert visitor("front_line").purpose("care") == "greeting"
    assert visitor("front_line").purpose("ordering") == "ordering"
    assert visitor("operator").purpose("greeting") is None
