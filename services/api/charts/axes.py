"""Axes with round numbers, and times at the beginning of months and years."""

import math
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, NamedTuple

from services.api.charts.drawing import (
    FLOOR,
    LEFT,
    PLOT_HEIGHT,
    PLOT_WIDTH,
    RIGHT,
    TOP,
    WIDTH,
    Palette,
    rule,
    words,
)
from services.projections.analytics.round_numbers import round_step

MOST_TICKS: Final = 7
_MONTHS_BETWEEN: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200)
_YEAR: Final = 12
_SHORT: Final = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
_WRITTEN_OUT: Final = 10_000


class Scale(NamedTuple):
    """Values from `least` to `most` along a stretch of the picture, from `start` to `end`."""

    least: float
    most: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies; what is outside lies at the nearer end."""
        share = 0.0 if self.most == self.least else (value - self.least) / (self.most - self.least)
        return self.start + (self.end - self.start) * min(1.0, max(0.0, share))


def across(least: float, most: float) -> Scale:
    """A horizontal scale over the whole plot."""
    return Scale(least, most, LEFT, LEFT + PLOT_WIDTH)


def upwards(most: float) -> Scale:
    """A vertical scale from 0 up."""
    return Scale(0.0, most, FLOOR, FLOOR - PLOT_HEIGHT)


def ticks(least: float, most: float) -> list[float]:
    """Round values from `least` to `most`, both included where they are round."""
    if most <= least:
        return [least]
    step = round_step((most - least) / MOST_TICKS)
    first = math.ceil(least / step - 1e-9)
    last = math.floor(most / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def number_text(value: float) -> str:
    """A number as short as it stays readable: 1,200, 15 k, 2.5 M, 0.25."""
    size = abs(value)
    if size >= _WRITTEN_OUT:
        unit, letter = next((unit, letter) for unit, letter in _SHORT if size >= unit)
        return f"{value / unit:.4g}{letter}"
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def month_ticks(first: date, last: date) -> list[tuple[date, str]]:
    """Beginnings of months or years between two days, at most ten, with what to write there."""
    start, end = first.year * _YEAR + first.month - 1, last.year * _YEAR + last.month - 1
    step = next((each for each in _MONTHS_BETWEEN if (end - start) // each < MOST_TICKS), _MONTHS_BETWEEN[-1])
    found: list[tuple[date, str]] = []
    for month in range(-(-start // step) * step, end + 1, step):
        day = date(month // _YEAR, month % _YEAR + 1, 1)
        if first <= day <= last:
            found.append((day, f"{day:%Y}" if step >= _YEAR else f"{day:%b %Y}"))
    return found


def vertical_axis(scale: Scale, palette: Palette, text: Callable[[float], str] = number_text) -> list[str]:
    """Lines of the grid with their numbers, and the floor."""
    drawn: list[str] = []
    for value in ticks(scale.least, scale.most):
        y = scale.at(value)
        drawn.append(rule(LEFT, y, WIDTH - RIGHT, y, palette.grid))
        drawn.append(words(text(value), LEFT - 8, y + 4, palette.quiet, text_anchor="end"))
    drawn.append(rule(LEFT, FLOOR, WIDTH - RIGHT, FLOOR, palette.quiet))
    return drawn


def horizontal_axis(places: Sequence[tuple[float, str]], palette: Palette) -> list[str]:
    """Marks under the floor with what they stand for."""
    drawn: list[str] = []
    for x, text in places:
        drawn.append(rule(x, FLOOR, x, FLOOR + 5, palette.quiet))
        drawn.append(words(text, x, FLOOR + 20, palette.quiet, text_anchor="middle"))
    return drawn


def dropped_line(x: float, text: str, palette: Palette) -> list[str]:
    """A line from the top to the floor that says what it stands for."""
    near_the_end = x > LEFT + PLOT_WIDTH * 0.8
    anchor, shift = ("end", -6) if near_the_end else ("start", 6)
    return [
        rule(x, TOP, x, FLOOR, palette.second, stroke_dasharray="4 4"),
        words(text, x + shift, TOP + 12, palette.second, text_anchor=anchor),
    ]
