"""Pictures are whole SVG documents that show what they are given, and say it to who cannot see them."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.charts.axes import MOST_TICKS, Scale, month_ticks, number_text, ticks
from services.api.charts.curves import Point, Step, pareto_curve, steps_over_time
from services.api.charts.drawing import HEIGHT, PALETTES, THEMES, WIDTH, Lettering, Theme
from services.api.charts.histogram import Bar, histogram

LETTERING = Lettering('Net <amount> & "more"', "2 customers", "EUR", "customers", "2 customers in all")
AS_OF = datetime(1997, 9, 30, tzinfo=UTC)
BARS = [Bar(0, 10, 3), Bar(10, 20, 5), Bar(20, None, 1)]
PICTURES: dict[str, Callable[[Theme], bytes]] = {
    "values": lambda theme: histogram(BARS, LETTERING, theme),
    "kinds": lambda theme: histogram(
        [Bar(0, None, 2, "VIP"), Bar(0, None, 0, "A & \x01B")], LETTERING, theme
    ),
    "no bars": lambda theme: histogram([], LETTERING, theme),
    "value": lambda theme: pareto_curve([Point(0, 0), Point(0.25, 0.75), Point(1, 1)], LETTERING, theme),
    "no value": lambda theme: pareto_curve([], LETTERING, theme),
    "silence": lambda theme: steps_over_time(
        [Step(date(1997, 1, 6), 1), Step(date(1997, 12, 1), 4)], AS_OF, LETTERING, theme
    ),
    "one step": lambda theme: steps_over_time([Step(date(2026, 1, 6), 1)], AS_OF, LETTERING, theme),
    "no silence": lambda theme: steps_over_time([], AS_OF, LETTERING, theme),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("theme", THEMES)
def test_a_picture_is_told_in_words_and_needs_no_styles(name: str, theme: Theme) -> None:
    root = ET.fromstring(PICTURES[name](theme))  # noqa: S314 - drawn here
    named = {each.get("id"): each.text for each in root if each.get("id")}
    assert root.get("role") == "img"
    assert named == {"title": LETTERING.title, "told": LETTERING.told}
    assert root.get("aria-labelledby") == "title told"
    tags = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert tags <= {"svg", "title", "desc", "rect", "line", "text", "polyline", "circle"}
    for each in root.iter():
        assert not {name for name in each.attrib if name in ("style", "class") or name.startswith("on")}
        for across, up in _places(each):
            assert -1 <= across <= WIDTH + 1
            assert -1 <= up <= HEIGHT + 1


def _places(element: ET.Element) -> list[tuple[float, float]]:
    if element.get("points"):
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", element.get("points", ""))]
        return list(zip(numbers[::2], numbers[1::2], strict=True))
    pairs = (("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy"))
    return [(float(element.get(a, 0)), float(element.get(b, 0))) for a, b in pairs if element.get(a)]


def test_bars_are_as_high_as_they_count_and_each_says_how_many_it_is() -> None:
    root = ET.fromstring(histogram(BARS, LETTERING, "light"))  # noqa: S314 - drawn here
    bars = [each for each in root.iter() if each.tag.endswith("rect") and len(each)]
    heights = [float(each.get("height", 0)) for each in bars]
    assert [round(each / heights[2]) for each in heights] == [3, 5, 1]
    assert [each[0].text for each in bars] == ["0 to 10: 3", "10 to 20: 5", "20 or more: 1"]


def test_the_curve_says_what_the_best_fifth_holds() -> None:
    points = [Point(each / 10, min(1.0, each / 5)) for each in range(11)]
    assert b"20% hold 40%" in pareto_curve(points, LETTERING, "light")


@given(st.floats(-1e9, 1e9), st.floats(0.001, 1e9))
def test_ticks_are_few_round_and_within(least: float, span: float) -> None:
    found = ticks(least, least + span)
    assert len(found) <= MOST_TICKS + 1
    slack = 1e-6 * max(span, 1e-9 * abs(least))
    assert all(least - span * 1e-6 - slack <= each <= least + span * (1 + 1e-6) + slack for each in found)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 80_000))
def test_ticks_of_time_are_few_and_within(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    found = month_ticks(first, last)
    assert len(found) <= 2 * MOST_TICKS
    assert all(first <= day <= last for day, _ in found)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", THEMES)
def test_words_and_marks_stand_out_from_the_ground(theme: Theme) -> None:
    palette = PALETTES[theme]
    ground = luminance(palette.ground)
    for colour, least in ((palette.text, 7), (palette.quiet, 4.5), (palette.second, 4.5), (palette.mark, 3)):
        lighter, darker = sorted((luminance(colour), ground), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= least, colour


def test_numbers_are_written_short_and_scales_end_where_they_should() -> None:
    written = [number_text(each) for each in (0, 0.25, 1200, 15_000, 2_500_000, -30_000, 9_999)]
    assert written == ["0", "0.25", "1,200", "15 k", "2.5 M", "-30 k", "9,999"]
    assert [Scale(0, 10, 100, 200).at(each) for each in (-1, 0, 5, 11)] == [100, 100, 150, 200]
    assert Scale(3, 3, 100, 200).at(3) == 100
