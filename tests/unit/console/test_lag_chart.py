"""The line of how far a view was behind: gaps where nobody knows, the worst of a minute, words for who does not see."""

from datetime import UTC, datetime

from services.api.console.lag_chart import lag_chart

ENDS = datetime(2026, 7, 1, 10, tzinfo=UTC)


def history(*events: int | None) -> dict[str, object]:
    return {
        "step_seconds": 15,
        "lag_events": list(events),
        "lag_seconds": [None if each is None else each / 2 for each in events],
    }


def test_a_line_is_broken_where_nothing_is_known() -> None:
    chart = lag_chart(history(0, 10, None, 5), ENDS)
    assert chart.path == "M2 38H61V2H120M179 20H238"
    assert chart.told == "at most 10 events behind in the last 1 min, of which under 1 min are not known"


def test_a_view_that_is_never_behind_has_a_level_line_at_the_bottom() -> None:
    chart = lag_chart(history(0, 0, 0, 0), ENDS)
    assert chart.path == "M2 38H238"
    assert chart.told == "at most 0 events behind in the last 1 min"


def test_nothing_known_is_no_line_and_is_said() -> None:
    chart = lag_chart(history(None, None, None, None), ENDS)
    assert (chart.path, chart.most, chart.told) == ("", None, "not known for the last 1 min")
    assert [(each.events, each.seconds) for each in chart.minutes] == [(None, None)]


def test_a_minute_has_the_worst_that_is_known_of_it_newest_first() -> None:
    chart = lag_chart(history(1, 9, None, 2, 4, 3, 0, None), ENDS)
    assert [(f"{each.at:%H:%M}", each.events, each.seconds) for each in chart.minutes] == [
        ("09:59", 4, 2.0),
        ("09:58", 9, 4.5),
    ]
