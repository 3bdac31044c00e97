"""Curves: value held by the best customers, and counts that go up step by step over time."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, NamedTuple

from services.api.charts.axes import (
    across,
    dropped_line,
    horizontal_axis,
    month_ticks,
    upwards,
    vertical_axis,
)
from services.api.charts.drawing import PALETTES, Lettering, Palette, Theme, element, picture, rule, words
from services.api.charts.histogram import nothing

_QUARTERS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_FIFTH: Final = 0.2


class Point(NamedTuple):
    """A share of customers, the best first, and the share of all value that they hold."""

    customers: float
    value: float


class Step(NamedTuple):
    """How many there are from a day on."""

    day: date
    customers: int


def pareto_curve(points: Sequence[Point], lettering: Lettering, theme: Theme) -> bytes:
    """The curve of value by customers, the best first, with the line on which all would be worth the same."""
    palette = PALETTES[theme]
    if not points:
        return picture(lettering, palette, nothing(palette))
    sideways, up = across(0.0, 1.0), upwards(1.0)
    line = " ".join(f"{sideways.at(each.customers):.1f},{up.at(each.value):.1f}" for each in points)
    fifth = next((each for each in points if each.customers >= _FIFTH), points[-1])
    x, y = sideways.at(fifth.customers), up.at(fifth.value)
    below = fifth.value > 1 - _FIFTH
    return picture(
        lettering,
        palette,
        *vertical_axis(up, palette, _percent),
        *horizontal_axis([(sideways.at(each), _percent(each)) for each in _QUARTERS], palette),
        rule(sideways.at(0), up.at(0), sideways.at(1), up.at(1), palette.quiet, stroke_dasharray="4 4"),
        words("all worth the same", sideways.at(0.62), up.at(0.56), palette.quiet),
        _line(line, palette),
        element("circle", {"cx": x, "cy": y, "r": 4.5, "fill": palette.second}),
        words(
            f"{fifth.customers:.0%} hold {fifth.value:.0%}",
            x + 10,
            y + (18 if below else 4),
            palette.second,
            13,
            font_weight=600,
        ),
    )


def steps_over_time(steps: Sequence[Step], marked: datetime, lettering: Lettering, theme: Theme) -> bytes:
    """A line that rises at each step, with a time marked on it; days are those that the steps tell."""
    palette = PALETTES[theme]
    if not steps:
        return picture(lettering, palette, nothing(palette))
    first, last = steps[0].day, max(steps[-1].day, marked.date())
    sideways = across(float(first.toordinal()), float(max(last.toordinal(), first.toordinal() + 1)))
    up = upwards(float(max(1, *(each.customers for each in steps))))
    places: list[str] = []
    height = up.at(0)
    for step in steps:
        x = sideways.at(step.day.toordinal())
        places += [f"{x:.1f},{height:.1f}", f"{x:.1f},{up.at(step.customers):.1f}"]
        height = up.at(step.customers)
    places.append(f"{sideways.end:.1f},{height:.1f}")
    labels = [(sideways.at(day.toordinal()), text) for day, text in month_ticks(first, last)]
    return picture(
        lettering,
        palette,
        *vertical_axis(up, palette),
        *horizontal_axis(labels, palette),
        _line(" ".join(places), palette),
        *dropped_line(sideways.at(marked.date().toordinal()), f"as of {marked.date():%d %b %Y}", palette),
    )


def _line(points: str, palette: Palette) -> str:
    look = {"fill": "none", "stroke": palette.mark, "stroke_width": 2.5, "stroke_linejoin": "round"}
    return element("polyline", {"points": points, **look})


def _percent(share: float) -> str:
    return f"{share:.0%}"
